"""Figures of probes, the rules they are held to, the stability window, and how Services are asked."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aks_actions.probes.endpoints import question, selecting
from aks_actions.probes.figures import probe
from aks_actions.probes.lint import lint
from aks_actions.probes.stability import LONGEST, window


def http(path: str = "/", port: int | str = 8080, **figures: int) -> dict[str, Any]:
    return {"httpGet": {"path": path, "port": port}, **figures}


def template(pod: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    each = {"name": "web", "ports": [{"name": "http", "containerPort": 8080}], **container}
    return {"metadata": {"labels": {"app": "shop"}}, "spec": {"containers": [each], **(pod or {})}}


GOOD = {
    "startupProbe": http(periodSeconds=1, failureThreshold=30),
    "readinessProbe": http("/readyz", periodSeconds=2, failureThreshold=2),
    "livenessProbe": http(periodSeconds=5, failureThreshold=3, terminationGracePeriodSeconds=5),
}


def rules(**container: Any) -> list[str]:
    return [finding.rule for finding in lint(template(**container))]


def test_good_probes_break_no_rule() -> None:
    """Startup, readiness and liveness with figures that fit each other give no finding."""
    assert rules(**GOOD) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"readinessProbe": None}, "no-readiness-probe"),
        ({"livenessProbe": None}, "no-liveness-probe"),
        ({"readinessProbe": http(port="web", periodSeconds=2, failureThreshold=2)}, "probe-port-unknown"),
        ({"readinessProbe": http(port=9090, periodSeconds=2, failureThreshold=2)}, "probe-port-undeclared"),
        (
            {"readinessProbe": http(periodSeconds=2, failureThreshold=2, timeoutSeconds=3)},
            "probe-timeout-exceeds-period",
        ),
        ({"readinessProbe": http(periodSeconds=10, failureThreshold=3)}, "liveness-before-readiness"),
        ({"startupProbe": None}, "liveness-without-startup"),
        ({"livenessProbe": http(periodSeconds=60, failureThreshold=3)}, "slow-recovery"),
        ({"livenessProbe": {"periodSeconds": 5}}, "probe-without-handler"),
    ],
)
def test_each_rule_is_found(change: dict[str, Any], rule: str) -> None:
    """Each rule, broken alone, is reported alone."""
    assert rules(**{**GOOD, **change}) == [rule]


def test_sidecars_need_no_probes() -> None:
    """A restartable init container without probes is somebody else's, and no finding."""
    sidecar = {"name": "mesh", "restartPolicy": "Always"}
    assert lint(template({"initContainers": [sidecar]}, **GOOD)) == []


def test_kubernetes_defaults_are_filled_in() -> None:
    """A probe without figures has those of the API: every 10 s, 1 s, three failures."""
    found = probe({"livenessProbe": http()}, "liveness")
    assert found is not None
    assert (found.period, found.timeout, found.failures, found.detects) == (10, 1, 3, 31)


def test_window_of_the_defaults() -> None:
    """With defaults, a hang is seen after 31 s at worst and killed 30 s later: 61 s."""
    assert window(template(livenessProbe=http())).seconds == 61


def test_window_explains_itself() -> None:
    """The window names its parts, the probe's own grace before the pod's."""
    found = window(template({"terminationGracePeriodSeconds": 60}, **GOOD))
    assert found.explanation == "21 s = liveness 3 × 5 + 1 + grace 5"


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 20), st.integers(0, 600), st.integers(0, 60))
def test_window_is_long_enough_or_cut(period: int, timeout: int, failures: int, grace: int, delay: int) -> None:
    """No window is shorter than the kubelet needs to kill a container that hangs at once, unless it is cut."""
    liveness = http(periodSeconds=period, timeoutSeconds=timeout, failureThreshold=failures, initialDelaySeconds=delay)
    found = window(template({"terminationGracePeriodSeconds": grace}, livenessProbe=liveness)).seconds
    assert found == LONGEST or found >= delay + failures * period + timeout + grace


def service(**port: Any) -> dict[str, Any]:
    ports = [{"port": 80, **port}]
    return {"metadata": {"name": "web"}, "spec": {"selector": {"app": "shop"}, "ports": ports}}


def test_a_service_is_asked_what_its_probe_asks() -> None:
    """The readiness probe of the port behind it gives path and scheme."""
    asked = question(service(name="http", targetPort="http"), [template(**GOOD)])
    assert asked.url("shop") == "/api/v1/namespaces/shop/services/http:web:http/proxy/readyz"
    assert asked.strict


def test_the_users_path_wins() -> None:
    """A path given by the user is asked, and must be answered well."""
    asked = question(service(targetPort="http"), [template(**GOOD)], "80", "/shop?q=1")
    assert asked.url("shop") == "/api/v1/namespaces/shop/services/http:web:80/proxy/shop?q=1"


def test_a_service_that_speaks_no_http_is_not_asked() -> None:
    """A database's port has endpoints, and no path."""
    assert question(service(name="postgres", port=5432), [template()]).path == ""


def test_an_unknown_port_is_refused() -> None:
    """A port that the Service does not have is the user's mistake."""
    with pytest.raises(ValueError, match="no TCP port 'admin'"):
        question(service(), [template()], "admin")


def test_services_are_found_by_their_selector() -> None:
    """Only Services whose whole selector the pods carry lead to them; one without a selector leads nowhere."""
    other, headless = service(), service()
    other["spec"]["selector"] = {"app": "shop", "tier": "db"}
    headless["spec"].pop("selector")
    assert selecting([service(), other, headless], [template()]) == [service()]
