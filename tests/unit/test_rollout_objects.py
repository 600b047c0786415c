"""The objects in memory, and what is made of them: report, evidence, images."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aks_actions.errors import DeadlineExceeded, Location, RolloutFailed, TransientError, exit_code
from aks_actions.rollout import evidence, images
from aks_actions.rollout.images import Proof
from aks_actions.rollout.judge import judge
from aks_actions.rollout.objects import Object, Objects, first_seen, key_of, last_seen, times
from aks_actions.rollout.report import Outcome, RolloutReport, Workload, failure
from aks_actions.rollout.verdict import progressing, succeeded, trouble, unknown

from .test_rollout_verdicts import at, load

DIGEST, OTHER = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def pod(name: str, owner: str) -> Object:
    references = [{"kind": "ReplicaSet", "name": owner, "uid": owner, "controller": True}]
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "n", "uid": name, "ownerReferences": references}}


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc"), st.sampled_from("xyz")), max_size=30))
def test_index_equals_a_search(steps: list[tuple[bool, str, str]]) -> None:
    """After any puts and removals, in any order, the index by owner finds what a search through all finds."""
    objects, plain = Objects(), dict[str, Object]()
    for put, name, owner in steps:
        each = pod(name, owner)
        if put:
            objects.put(each)
            plain[name] = each
        else:
            objects.remove(key_of(each))
            plain.pop(name, None)
    for owner in "xyz":
        wanted = [p for p in plain.values() if p["metadata"]["ownerReferences"][0]["uid"] == owner]
        found = objects.owned({"kind": "ReplicaSet", "metadata": {"name": owner, "uid": owner}}, "Pod")
        assert sorted(p["metadata"]["name"] for p in found) == sorted(p["metadata"]["name"] for p in wanted)


def test_a_new_list_replaces_the_old_one() -> None:
    """Objects that a new list no longer has are gone, those of other namespaces stay."""
    elsewhere = pod("e", "x")
    elsewhere["metadata"]["namespace"] = "other"
    objects = Objects([pod("a", "x"), pod("b", "x"), elsewhere])
    objects.replace("Pod", "n", [pod("b", "x")])
    assert sorted(o["metadata"]["name"] for o in objects) == ["b", "e"]


def test_both_generations_of_events_are_read() -> None:
    """An event with eventTime and a series counts like one with timestamps and a count."""
    event = {
        "metadata": {"name": "e"},
        "eventTime": "2026-11-23T12:00:00.500000Z",
        "series": {"count": 7, "lastObservedTime": "2026-11-23T12:00:10.000000Z"},
    }
    assert (last_seen(event) - first_seen(event), times(event)) == (9.5, 7)


def outcome(verdict: object, **more: object) -> Outcome:
    workload = Workload("Deployment", "shop", "web", location=Location("k8s/web.yaml", 3))
    return Outcome(workload, verdict, 4.2, **more)  # type: ignore[arg-type]


def test_a_failed_rollout_names_object_container_cause_and_place() -> None:
    """The error says what is unhealthy, since when, why, what to do, what still serves, and where it is written."""
    objects = load("deployment-image-missing")
    verdict = judge(objects[0], Objects(objects), at("12:32:20"))
    found = failure(RolloutReport((outcome(verdict, revision="13", serving="revision 12, 3 ready pods"),), 4.2))
    assert isinstance(found, RolloutFailed)
    assert found.what == "Deployment/web: revision 13 is not healthy: ErrImagePull (certain, after 4.2 s)"
    assert "container web of Pod/image-missing-" in found.why
    assert "Still serving: revision 12, 3 ready pods." in found.why
    assert str(found.at) == "k8s/web.yaml:3"


def test_our_timeout_is_told_from_the_rollouts_failure() -> None:
    """A rollout that is still waiting when the time is up exits with 5, and says what it waits for."""
    waits = trouble("Unschedulable", "0/3 nodes are available", remedy="Add nodes")
    found = failure(RolloutReport((outcome(waits),), 600, timed_out=True))
    assert isinstance(found, DeadlineExceeded)
    assert exit_code(found) == 5
    assert "Unschedulable: 0/3 nodes are available" in found.why
    assert "Add nodes" in found.do


def test_an_api_server_that_is_away_is_no_rollout_failure() -> None:
    """Time that ran out because nothing could be read is a transient error, exit code 4."""
    away = TransientError("no answer")
    assert failure(RolloutReport((outcome(progressing("")),), 600, timed_out=True, trouble=away)) is away


def test_unknown_is_no_success() -> None:
    """A workload that nobody can judge fails the report."""
    report = RolloutReport((outcome(succeeded("")), outcome(unknown("OnDelete", "by hand"))), 1)
    assert not report.succeeded
    assert "nobody can tell" in failure(report).what


def test_evidence_tells_events_once() -> None:
    """Events that differ only in generated names are one line, with their number."""
    objects = load("deployment-quota-exceeded")
    lines = evidence.events(objects[0], Objects(objects), at("12:32:24"))
    assert len(lines) == 1
    assert "FailedCreate ×12" in lines[0]


def test_evidence_leaves_out_what_was_before() -> None:
    """Events that ended before the rollout began are no evidence of it."""
    objects = load("deployment-quota-exceeded")
    assert evidence.events(objects[0], Objects(objects), at("12:40:00", started="12:39:00")) == []


def test_logs_of_the_blamed_container_come_first() -> None:
    """Logs are asked of containers that ran and are not well; init containers that never let others run included."""
    objects = load("deployment-init-crash-loop")
    verdict = judge(objects[0], Objects(objects), at("12:32:58"))
    requests = evidence.logs(objects[0], Objects(objects), verdict, at("12:32:58"))
    assert {request.container for request in requests} == {"migrate"}
    assert f"Pod/{requests[0].pod}" == verdict.subject


def running(image: str, reported: str, expected: str = "") -> list[images.Running]:
    each = {
        "kind": "Pod",
        "metadata": {"name": "p", "uid": "p"},
        "spec": {"containers": [{"name": "web", "image": image}]},
        "status": {"containerStatuses": [{"name": "web", "imageID": reported}]},
    }
    return images.running(each, [each], images.wanted([expected]) if expected else {})


def test_image_proofs() -> None:
    """The runtime's own digest proves or refutes; a bare image id and an alias of the same image prove nothing."""
    name = "host:5000/shop"
    cases = [
        (f"{name}@{DIGEST}", f"{name}@{DIGEST}", "", Proof.PROVED),
        (f"{name}@{DIGEST}", f"docker-pullable://{name}@{DIGEST}", "", Proof.PROVED),
        (f"{name}:1", f"{name}@{DIGEST}", f"{name}@{DIGEST}", Proof.PROVED),
        (f"{name}:1", f"{name}@{OTHER}", f"{name}@{DIGEST}", Proof.DIFFERENT),
        (f"{name}@{OTHER}", f"{name}@{OTHER}", f"{name}@{DIGEST}", Proof.DIFFERENT),
        (f"{name}@{DIGEST}", DIGEST, "", Proof.UNPROVED),
        (f"{name}@{DIGEST}", f"{name}@{OTHER}", "", Proof.UNPROVED),
    ]
    for image, reported, expected, proof in cases:
        assert [each.proof for each in running(image, reported, expected)] == [proof], (image, reported, expected)


def test_a_webhook_that_changes_the_image_is_noticed() -> None:
    """What counts is the workload's own template, not what an admission webhook made of it in the pod."""
    template = {"containers": [{"name": "web", "image": f"shop@{DIGEST}"}]}
    workload = {"kind": "Deployment", "metadata": {"name": "w"}, "spec": {"template": {"spec": template}}}
    each = {
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "web", "image": f"mirror/shop@{OTHER}"}]},
        "status": {"containerStatuses": [{"name": "web", "imageID": f"mirror/shop@{OTHER}"}]},
    }
    assert [found.proof for found in images.running(workload, [each], {})] == [Proof.DIFFERENT]


def test_images_without_a_digest_are_not_asked_about() -> None:
    """A tag promises no digest, so there is nothing to prove."""
    assert running("busybox:stable", f"busybox@{DIGEST}") == []
