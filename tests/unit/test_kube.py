"""What needs no server of the talking room: kubeconfigs, tokens, paths, and what refusals mean."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aks_actions.errors import Failure, InputError, RolloutFailed, TransientError
from aks_actions.kube import refusals
from aks_actions.kube.auth import MARGIN, Bearer, Token
from aks_actions.kube.config import connect, load
from aks_actions.kube.denials import Denial
from aks_actions.kube.discovery import Resource
from aks_actions.manifests.objects import Manifest, manifests
from aks_actions.manifests.reader import Source, documents

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    spec:
      containers:
      - name: web
        image: x
"""


def manifest(text: str = DEPLOYMENT) -> Manifest:
    (document,) = documents(Source("app.yaml", text.encode()))
    (found,) = manifests(document)
    return found


def kubeconfig(user: dict[str, Any], cluster: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster or {"server": "https://example.test:6443"}}],
        "users": [{"name": "u", "user": user}],
    }


def status(code: int, message: str, reason: str = "", *causes: dict[str, str]) -> tuple[int, dict[str, Any]]:
    return code, {"kind": "Status", "message": message, "reason": reason, "details": {"causes": list(causes)}}


def failure(code: int, answer: dict[str, Any], *, hide: bool = False) -> Failure:
    return Denial(manifest(), code, answer, hide).failure()


DENIALS = {
    "conflict": (
        status(
            409,
            "Apply failed with 1 conflict",
            "Conflict",
            {
                "reason": "FieldManagerConflict",
                "message": 'conflict with "kubectl" using apps/v1',
                "field": ".spec.replicas",
            },
        ),
        (RolloutFailed, "spec.replicas belongs to another field manager", "app.yaml:7:3"),
    ),
    "stale": (
        status(409, "the object has been modified", "Conflict"),
        (TransientError, "changed by others", "app.yaml:1"),
    ),
    "terminating": (
        status(
            403,
            'unable to create: namespace "shop" is being terminated',
            "Forbidden",
            {"reason": "NamespaceTerminating"},
        ),
        (InputError, "namespace shop is terminating", "app.yaml:5:3"),
    ),
    "quota": (
        status(403, "exceeded quota: q, requested: pods=1", "Forbidden"),
        (RolloutFailed, "exceeds a quota", "app.yaml:1"),
    ),
    "webhook": (
        status(400, 'admission webhook "no.example.com" denied the request: no', "BadRequest"),
        (RolloutFailed, "denied by the cluster's admission", "app.yaml:1"),
    ),
    "immutable": (
        status(
            422,
            "spec.selector: Invalid value: field is immutable",
            "Invalid",
            {"reason": "FieldValueInvalid", "field": "spec.selector"},
        ),
        (RolloutFailed, "can't be changed in this way", "app.yaml:8:3"),
    ),
    "invalid": (
        status(
            422,
            "is invalid",
            "Invalid",
            {"reason": "FieldValueInvalid", "field": "spec.template.spec.containers[0].image"},
        ),
        (InputError, "is not valid", "app.yaml:13:9"),
    ),
    "unknown field": (
        status(400, 'strict decoding error: unknown field "spec.template.spec.containers[0].imag"', "BadRequest"),
        (InputError, "there is no field spec.template.spec.containers[0].imag", "app.yaml:12:9"),
    ),
    "field that the schema lacks": (
        status(
            500,
            'failed to create typed patch object: .spec.template.spec.containers[name="web"].x: '
            "field not declared in schema",
        ),
        (InputError, 'there is no field spec.template.spec.containers[name="web"].x', "app.yaml:12:9"),
    ),
    "no namespace": (
        status(404, 'namespaces "shop" not found', "NotFound"),
        (InputError, "namespace shop does not exist", "app.yaml:5:3"),
    ),
    "no kind": (
        status(404, "the server could not find the requested resource"),
        (InputError, "does not serve", "app.yaml:2:1"),
    ),
    "too large": (status(413, "Request entity too large"), (InputError, "too large", "app.yaml:1")),
    "anything else": (status(405, "no"), (RolloutFailed, "refused with 405", "app.yaml:1")),
}


@pytest.mark.parametrize(("answer", "expected"), DENIALS.values(), ids=DENIALS.keys())
def test_a_refused_apply_is_told_at_the_line_that_it_is_about(
    answer: tuple[int, dict[str, Any]], expected: tuple[type[Failure], str, str]
) -> None:
    """The kind of failure, what happened, and the manifest's own line."""
    error = failure(*answer)
    kind, what, at = expected
    assert type(error) is kind
    assert what in error.what
    assert str(error.at) == at


def test_a_refused_secret_quotes_no_value() -> None:
    """The server's text repeats what was sent."""
    code, answer = status(
        422, 'data[x]: Invalid value: "hunter2"', "Invalid", {"field": "data[x]", "reason": "FieldValueInvalid"}
    )
    assert "hunter2" not in str(vars(failure(code, answer, hide=True)))
    assert "hunter2" in failure(code, answer).why


def test_a_missing_permission_names_user_verb_resource_and_remedy() -> None:
    """What RBAC refused, and the role that would give it."""
    message = (
        'deployments.apps is forbidden: User "oid" cannot patch resource "deployments" '
        'in API group "apps" in the namespace "shop"'
    )
    error = refusals.forbidden("aks", "PATCH", "/x", status(403, message, "Forbidden")[1])
    assert error is not None
    assert error.what == "user oid may not patch deployments.apps in namespace shop"
    assert "--verb=patch --resource=deployments.apps -n shop" in error.do


def test_a_403_of_admission_is_no_missing_permission() -> None:
    """Quotas and webhooks answer 403 too; the caller knows the manifest."""
    assert refusals.forbidden("aks", "PATCH", "/x", status(403, "exceeded quota: q", "Forbidden")[1]) is None


def test_paths_of_resources() -> None:
    """Core and named groups, with and without a namespace."""
    assert (
        Resource("", "v1", "ConfigMap", "configmaps", True).path("shop", "a") == "/api/v1/namespaces/shop/configmaps/a"
    )
    role = Resource("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)
    assert role.path("", "system:x") == "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:x"


def test_an_exec_user_is_refused_unless_allowed() -> None:
    """A kubeconfig's `exec` would run any program with the job's secrets in reach."""
    with pytest.raises(InputError, match="wants to run 'steal'"):
        connect(kubeconfig({"exec": {"command": "steal"}}), allow_exec=("kubelogin",))


def test_an_allowed_exec_gives_the_token(tmp_path: Path) -> None:
    """The plugin that the workflow's author named is run; its token is masked."""
    plugin = tmp_path / "plugin"
    version = "client.authentication.k8s.io/v1"
    answer = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": "t0ken"}}
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    plugin.chmod(0o755)
    spec = {"command": str(plugin), "apiVersion": version, "interactiveMode": "Never"}
    masked: list[str] = []
    connect(kubeconfig({"exec": spec}), allow_exec=(str(plugin),), mask=masked.append)
    assert masked == ["t0ken"]


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (kubeconfig({}, {"server": "http://example.test"}), "http://example.test"),
        (kubeconfig({}) | {"current-context": "gone"}, "has no context 'gone'"),
        (kubeconfig({}) | {"current-context": ""}, "no current context"),
        (kubeconfig({}, {"server": "https://x", "certificate-authority-data": "%"}), "is not base64"),
        (kubeconfig({}, {"server": "https://x", "certificate-authority-data": "eA=="}), "no PEM certificate"),
        (kubeconfig({"client-certificate": "gone.crt", "client-key": "gone.key"}), "can't be read"),
    ],
)
def test_kubeconfigs_that_can_not_be_used(config: dict[str, Any], what: str) -> None:
    """Each says which part is wrong; plain http is never used."""
    with pytest.raises(InputError) as caught:
        connect(config)
    assert what in caught.value.what


@pytest.mark.parametrize("text", ["[]", "{", "clusters: 1", "token: hunter2: x"])
def test_what_is_no_kubeconfig(text: str, tmp_path: Path) -> None:
    """The file's text, which may hold credentials, is not quoted."""
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InputError, match="is no kubeconfig") as caught:
        load(path)
    assert "hunter2" not in str(vars(caught.value))


class Clock:
    """Seconds of the epoch, moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_token_is_kept_until_shortly_before_it_expires() -> None:
    """One token for a run; a new one in time."""
    clock, asked = Clock(), []

    def source(fresh: bool) -> Token:
        asked.append(fresh)
        return Token(f"t{len(asked)}", clock.now + 3600)

    bearer = Bearer(source, clock)
    assert [bearer.value(), bearer.value()] == ["t1", "t1"]
    clock.now += 3600 - MARGIN + 1
    assert bearer.value() == "t2"
    assert asked == [False, False]


def test_a_refused_token_is_replaced_once() -> None:
    """Whoever comes second with the same refused token gets the one that the first obtained."""
    tokens = iter(["t1", "t2", "t2"])
    bearer = Bearer(lambda _: Token(next(tokens)))
    assert bearer.value() == "t1"
    assert bearer.renewed("t1")
    assert bearer.renewed("t1")
    assert bearer.value() == "t2"
    assert not bearer.renewed("t2")


def test_no_repr_shows_a_token() -> None:
    """It would end up in a traceback."""
    assert "t0ken" not in repr(Token("t0ken"))
