"""Waves, differences and the plan's lines."""

from __future__ import annotations

from typing import Any

import pytest

from aks_actions.manifests.objects import Manifest, manifests
from aks_actions.manifests.reader import Source, documents
from aks_actions.plan import diff, trace
from aks_actions.plan.steps import Does, Step, by_wave, headline, lines, runs_pods
from aks_actions.plan.waves import NAMES, defined_kinds, wave

DIGESTS = ["sha256:" + "1a2b" * 16, "sha256:" + "9c8d" * 16]


def manifest(kind: str, api_version: str = "v1", body: str = "", *, encrypted: bool = False) -> Manifest:
    text = f"apiVersion: {api_version}\nkind: {kind}\nmetadata: {{name: shop, namespace: shop}}\n{body}"
    (document,) = documents(Source("app.yaml", text.encode()))
    (found,) = manifests(document, encrypted=encrypted)
    return found


DEFINITION = manifest(
    "CustomResourceDefinition", "apiextensions.k8s.io/v1", "spec: {group: example.com, names: {kind: Widget}}\n"
)


@pytest.mark.parametrize(
    ("api_version", "kind", "name"),
    [
        ("v1", "Namespace", "namespaces"),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "definitions"),
        ("v1", "Secret", "configuration"),
        ("v1", "Service", "configuration"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding", "configuration"),
        ("cert-manager.io/v1", "Certificate", "configuration"),
        ("apps/v1", "Deployment", "workloads"),
        ("batch/v1", "CronJob", "workloads"),
        ("serving.knative.dev/v1", "Deployment", "configuration"),  # a namesake of another group
        ("autoscaling/v2", "HorizontalPodAutoscaler", "dependents"),
        ("example.com/v1", "Widget", "dependents"),  # its operator comes in the same set
    ],
)
def test_each_kind_has_its_wave(api_version: str, kind: str, name: str) -> None:
    """What others need comes first."""
    assert NAMES[wave(manifest(kind, api_version), defined_kinds([DEFINITION]))] == name


def test_waves_keep_the_order_of_the_files() -> None:
    """Waves in order, inside of one as written."""
    found = [manifest("Deployment", "apps/v1"), manifest("Secret"), manifest("Namespace"), manifest("ConfigMap")]
    steps = [Step(m, f"/{m.kind}", wave(m, {}), None, Does.NEW) for m in found]
    assert [[s.key.kind for s in group] for group in by_wave(steps)] == [
        ["Namespace"],
        ["Secret", "ConfigMap"],
        ["Deployment"],
    ]


def deployment(image: str, **annotations: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "shop", "resourceVersion": image, "annotations": annotations},
        "spec": {
            "replicas": 3,
            "template": {"spec": {"containers": [{"name": "web", "image": image, "args": ["a", "b"]}]}},
        },
        "status": {"replicas": 4},
    }


def changed(before: dict[str, Any] | None, after: dict[str, Any], secret: bool = False) -> list[str]:
    return [str(change) for change in diff.changes(before, after, secret=secret, ignored=trace.KEYS)]


def test_a_changed_field_is_named_by_its_item_and_a_digest_is_short() -> None:
    """Containers are told by name, pod templates lose their prefix, bookkeeping and the trace are no changes."""
    before, after = (deployment(f"acr.io/shop@{digest}", **{trace.COMMIT: digest}) for digest in DIGESTS)
    assert changed(before, after) == ["containers[web].image  shop@sha256:1a2b1a2b… → shop@sha256:9c8d9c8d…"]


def test_added_and_removed_fields_and_single_items() -> None:
    """What appears, what goes, and one argument of several."""
    before, after = deployment("x"), deployment("x", note="1")
    after["spec"]["template"]["spec"]["containers"][0]["args"] = ["a", "c"]
    del after["spec"]["replicas"]
    assert changed(before, after) == [
        "metadata.annotations.note  (none) → 1",
        "spec.replicas  3 → (none)",
        "containers[web].args[1]  b → c",
    ]


def test_values_of_secrets_are_never_shown() -> None:
    """Only that they changed."""
    before, after = {"data": {"password": "b2xk"}}, {"data": {"password": "bmV3"}}
    assert changed(before, after, secret=True) == ["data.password  changed"]
    assert diff.changes(before, after, secret=True)[0].new == ""


def test_kubectls_own_annotation_is_never_shown() -> None:
    """It repeats the whole object."""
    before, after = (deployment("x", **{"kubectl.kubernetes.io/last-applied-configuration": text}) for text in "ab")
    assert changed(before, after) == ["metadata.annotations.kubectl.kubernetes.io/last-applied-configuration  changed"]


def test_long_values_are_shown_from_where_they_differ() -> None:
    """The end of a long line would be cut off otherwise."""
    before, after = {"data": {"a": "x" * 100 + "old"}}, {"data": {"a": "x" * 100 + "new"}}
    assert changed(before, after) == [f"data.a  …{'x' * 15}old → …{'x' * 15}new"]


def test_a_plan_says_what_restarts_and_what_is_new() -> None:
    """A line for each changed field, the pods that are replaced, new objects last."""
    before, after = deployment("busybox:1"), deployment("busybox:2")
    change = tuple(diff.changes(before, after, secret=False))
    steps = [
        Step(manifest("PodDisruptionBudget", "policy/v1"), "/1", 2, None, Does.NEW),
        Step(manifest("Deployment", "apps/v1"), "/2", 3, before, Does.CHANGE, changes=change),
        Step(manifest("ConfigMap"), "/3", 2, {}, Does.UNCHANGED, proved=True),
        Step(manifest("Service"), "/4", 2, {}, Does.UNCHANGED),
    ]
    assert headline(steps) == "1 change, 1 new, 2 unchanged (1 proved, no request)"
    assert lines(steps) == [
        "~ Deployment/shop              containers[web].image  busybox:1 → busybox:2   restarts 3 pods",
        "+ PodDisruptionBudget/shop",
    ]


def test_encrypted_manifests_and_secrets_hide_their_values() -> None:
    """Whatever was encrypted in the repository stays secret, of any kind."""
    hidden = [manifest("Secret"), manifest("ConfigMap", encrypted=True), manifest("ConfigMap")]
    assert [Step(m, "/", 2, None, Does.NEW).secret for m in hidden] == [True, True, False]


def test_rollouts_that_can_be_followed() -> None:
    """A CronJob's pods come when their time comes: nothing to wait for."""
    kinds = {"Deployment": "apps/v1", "Job": "batch/v1", "CronJob": "batch/v1", "Pod": "v1", "Service": "v1"}
    steps = [Step(manifest(kind, version), "/", 3, None, Does.NEW) for kind, version in kinds.items()]
    assert [step.key.kind for step in steps if runs_pods(step)] == ["Deployment", "Job", "Pod"]


def test_the_trace_of_an_older_run_is_no_change() -> None:
    """With the live trace the manifest equals what is live; a real change brings the trace of this run."""
    live = {"metadata": {"annotations": {trace.COMMIT: "old", "theirs": "1"}}}
    same = trace.as_live(manifest("ConfigMap"), live)
    assert same.object["metadata"]["annotations"] == {trace.COMMIT: "old"}
    now = trace.as_run(same, trace.of_run("acme/shop", "new", ""))
    assert now.object["metadata"]["annotations"] == {trace.REPOSITORY: "acme/shop", trace.COMMIT: "new"}
    assert "annotations" not in trace.as_run(same, {}).object["metadata"]
