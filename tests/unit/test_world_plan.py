"""What a planned world is made of, and what is remembered of it."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from local.world import components, config, paths, ports
from local.world.state import Part, Plan, Status

PLANS = [
    Plan("1", "/clone", "me", cluster=cluster, builder=builder)
    for cluster, builder in itertools.product((True, False), repeat=2)
]


@pytest.fixture(params=PLANS, ids=lambda plan: f"cluster={plan.cluster},builder={plan.builder}")
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = request.param
    return found


def test_every_component_waits_only_for_components_that_come_before_it(plan: Plan) -> None:
    seen: set[str] = set()
    waiting = {component.name: set(component.needs) for component in components.all_of(plan)}
    while ready := {name for name, needs in waiting.items() if needs <= seen}:
        seen |= ready
        waiting = {name: needs for name, needs in waiting.items() if name not in seen}
    assert waiting == {}


def test_an_existing_cluster_gets_the_cloud_but_no_kubernetes() -> None:
    found = {component.name for component in components.all_of(Plan("1", "/clone", "me", cluster=False))}
    assert {"cloud", "registry", "mirror", "buildkitd"} <= found
    assert not {"etcd", "kube-apiserver", "kubelet", "containerd"} & found


def test_no_two_components_listen_on_the_same_address() -> None:
    listened = [(port.address, port.number) for port in ports.wanted(cluster=True)]
    assert len(listened) == len(set(listened))


@pytest.mark.parametrize(("capabilities", "restricted"), [("000001fffeffffff", "true"), ("000001ffffffffff", "false")])
def test_oom_scores_are_restricted_only_where_nobody_may_lower_them(capabilities: str, restricted: str) -> None:
    text = config.containerd(f"Name:\tx\nCapEff:\t{capabilities}\n")
    assert f"restrict_oom_score_adj = {restricted}\n" in text


def test_the_api_server_takes_entra_tokens_for_aks_only_and_names_users_by_object_id() -> None:
    (issuer,) = yaml.safe_load(config.entra_authentication("PEM"))["jwt"]
    assert issuer["issuer"]["audiences"] == ["6dae42f8-4368-4678-94ff-3960e28e3630"]
    assert issuer["claimMappings"]["username"] == {"claim": "oid", "prefix": ""}


def test_what_is_recorded_of_a_world_is_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "STATUS", tmp_path / "world.json")
    status = Status(PLANS[0], "broken", parts={"etcd": Part("failed", 7, 1.5, "killed by SIGKILL")})
    status.save()
    assert Status.load() == status


@pytest.mark.parametrize("text", [None, "", "{", '{"plan": {"other": 1}}', "[]"])
def test_a_record_that_is_missing_or_foreign_is_no_world(
    text: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "STATUS", tmp_path / "world.json")
    if text is not None:
        (tmp_path / "world.json").write_text(text)
    assert Status.load() is None
