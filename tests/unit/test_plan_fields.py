"""What needs no request, and what goes back: judged on objects and managedFields as a 1.34 API server answered them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aks_actions.plan.fields import extract, owned, proved_unchanged

LIVE = Path(__file__).parent / "fixtures" / "live"
MANAGER = "aks-actions"
KINDS = ("deployment", "serviceaccount", "service", "configmap")
Object = dict[str, Any]


def fixture(name: str) -> Object:
    found: Object = json.loads((LIVE / f"{name}.json").read_text())
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_applied_before_needs_no_request(kind: str) -> None:
    """The very manifest that was applied last is proved unchanged."""
    assert proved_unchanged(fixture(f"{kind}-desired"), fixture(f"{kind}-live"), MANAGER)


def test_fields_of_others_need_no_request() -> None:
    """A label or annotation that somebody else added is not ours."""
    assert proved_unchanged(fixture("deployment-desired"), fixture("deployment-live-foreign-label"), MANAGER)


@pytest.mark.parametrize("state", ["scaled", "image-set", "label-overwritten", "owned-by-another"])
def test_what_others_did_to_our_fields_is_asked(state: str) -> None:
    """Whoever touches a field of ours takes it out of our entry, even where the value is the same again."""
    assert not proved_unchanged(fixture("deployment-desired"), fixture(f"deployment-live-{state}"), MANAGER)


def web(desired: Object) -> Object:
    found: Object = desired["spec"]["template"]["spec"]["containers"][0]
    return found


CHANGES: dict[str, Callable[[Object], object]] = {
    "a value": lambda d: d["spec"].update(replicas=1),
    "another type": lambda d: d["spec"].update(replicas=False),
    "a new field": lambda d: d["spec"].update(minReadySeconds=1),
    "a removed field": lambda d: d["spec"].pop("replicas"),
    "a new label": lambda d: d["metadata"]["labels"].update(tier="web"),
    "a removed annotation": lambda d: d["metadata"].pop("annotations"),
    "a new item": lambda d: web(d)["env"].append({"name": "C", "value": ""}),
    "a removed item": lambda d: web(d)["env"].pop(),
    "the order of items": lambda d: d["spec"]["template"]["spec"]["containers"].reverse(),
    "an item's field": lambda d: web(d)["ports"][0].update(hostPort=1),
    "an atomic list": lambda d: web(d)["args"].append("-v"),
    "another writing of a quantity": lambda d: web(d)["resources"]["requests"].update(cpu="0.1"),
    "another version": lambda d: d.update(apiVersion="apps/v2"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_any_difference_is_asked(change: Callable[[Object], object]) -> None:
    """Whatever differs, or might, costs a request."""
    desired = fixture("deployment-desired")
    change(desired)
    assert not proved_unchanged(desired, fixture("deployment-live"), MANAGER)


def test_a_set_in_another_order_is_asked() -> None:
    """An apply that brings another order may move members."""
    desired = fixture("serviceaccount-desired")
    desired["metadata"]["finalizers"].reverse()
    assert not proved_unchanged(desired, fixture("serviceaccount-live"), MANAGER)


def test_default_keys_of_items_may_be_written_or_not() -> None:
    """`protocol: TCP` is part of a port's key, and a default; written out it is one more field, so it is asked."""
    desired = fixture("service-desired")
    desired["spec"]["ports"][0]["protocol"] = "TCP"
    assert not proved_unchanged(desired, fixture("service-live"), MANAGER)


def test_another_manager_proves_nothing() -> None:
    """Only what we applied ourselves is known to be complete."""
    assert not proved_unchanged(fixture("configmap-desired"), fixture("configmap-live"), "somebody-else")


def test_an_object_on_its_way_out_is_asked() -> None:
    """What is being deleted is not there tomorrow."""
    live = fixture("configmap-live")
    live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not proved_unchanged(fixture("configmap-desired"), live, MANAGER)


def test_an_object_of_which_nothing_is_owned_needs_no_request() -> None:
    """A bare Namespace leaves no entry in managedFields."""
    bare = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    assert proved_unchanged(bare, {**bare, "spec": {"finalizers": ["kubernetes"]}}, MANAGER)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_extracted_is_what_was_applied(kind: str) -> None:
    """Going back applies exactly our fields with their live values; defaults of the server stay the server's."""
    live = fixture(f"{kind}-live")
    found = extract(live, owned(live, MANAGER))
    assert proved_unchanged(found, live, MANAGER)
    assert found == fixture(f"{kind}-desired")


def test_fields_taken_over_go_back_to_their_old_values() -> None:
    """What we own only since the failed deploy is restored too; what was not there stays away."""
    before, after = fixture("configmap-live"), copy.deepcopy(fixture("configmap-live"))
    before["data"] = {"a": "1", "theirs": "old"}
    after["metadata"]["managedFields"][0]["fieldsV1"] = {"f:data": {"f:a": {}, "f:theirs": {}, "f:new": {}}}
    found = extract(before, owned(before, MANAGER), owned(after, MANAGER))
    assert found["data"] == {"a": "1", "theirs": "old"}
