"""Documents to objects: identity, lists, what the server sets, Secrets; and other images into them."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from aks_actions.errors import InputError
from aks_actions.manifests import fieldpath, pods
from aks_actions.manifests.images import replaced, replacements
from aks_actions.manifests.objects import MAX_DATA, Manifest, fits, manifests, unique
from aks_actions.manifests.reader import Source, documents

FIXTURES = Path(__file__).parent / "fixtures" / "manifests"
DIGEST = "sha256:" + "9c" * 32
NEW = f"worldacr.azurecr.io/shop@{DIGEST}"


def parsed(text: str, file: str = "app.yaml") -> list[Manifest]:
    return [m for document in documents(Source(file, text.encode())) for m in manifests(document)]


def one(text: str) -> Manifest:
    (manifest,) = parsed(text)
    return manifest


def fixture(name: str) -> list[Manifest]:
    return parsed((FIXTURES / name).read_text(), name)


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [
        ("- 1\n", "it is no mapping", "app.yaml:1"),
        ("kind: Pod\nmetadata: {name: x}\n", "no apiVersion", "app.yaml:1"),
        ("apiVersion: v1\nmetadata: {name: x}\n", "no kind", "app.yaml:1"),
        ("apiVersion: 1\nkind: Pod\nmetadata: {name: x}\n", "apiVersion must be text", "app.yaml:1:1"),
        ("apiVersion: v1\nkind: Pod\n", "no metadata.name", "app.yaml:1"),
        ("apiVersion: v1\nkind: Pod\nmetadata:\n  generateName: x-\n", "no metadata.name", "app.yaml:3:1"),
        ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: 12\n", "quote it", "app.yaml:4:3"),
        (
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  labels:\n    on-call: yes\n",
            "'on-call' is true, which is no text",
            "app.yaml:6:5",
        ),
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata:\n  k: '%'\n",
            "data.k is not base64",
            "app.yaml:5:3",
        ),
        (
            "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
            "a kustomization is no object",
            "app.yaml:1",
        ),
    ],
)
def test_what_is_no_object_is_refused_at_its_field(text: str, what: str, at: str) -> None:
    """Every manifest needs apiVersion, kind and a name that are text; the line is the field's."""
    with pytest.raises(InputError) as caught:
        parsed(text)
    assert what in caught.value.what
    assert str(caught.value.at) == at


def test_lists_are_unpacked_and_members_keep_their_lines() -> None:
    """A List of any kind is its members."""
    found = fixture("list.yaml")
    assert [str(m.key) for m in found] == ["ConfigMap/one", "Service/shop/two"]
    assert str(found[1].at("spec", "ports", 0, "port")) == "list.yaml:16:11"


def test_what_only_the_server_sets_is_left_out() -> None:
    """A manifest saved by `kubectl get -o yaml` can be applied again."""
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, uid: u, resourceVersion: '1', creationTimestamp: null,"
        " managedFields: [], generation: 2}\nstatus: {a: b}\ndata: {a: b}\n"
    )
    assert one(text).object == {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "b"}}


def test_string_data_becomes_data_and_wins() -> None:
    """stringData is write-only: turned into data, it can be compared with what is live."""
    secret = one("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: eA==, b: eA==}\nstringData: {a: ü}\n")
    assert secret.object["data"] == {"a": base64.b64encode("ü".encode()).decode(), "b": "eA=="}
    assert "stringData" not in secret.object


def test_no_repr_shows_values() -> None:
    """A manifest may hold decrypted secrets."""
    assert "hunter2" not in repr(one("apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData: {a: hunter2}\n"))


def test_the_same_object_twice_names_both_places() -> None:
    """Two versions of one group are one object too."""
    text = "apiVersion: {}\nkind: Deployment\nmetadata: {{name: x}}\n"
    with pytest.raises(InputError) as caught:
        unique(parsed(text.format("apps/v1") + "---\n" + text.format("apps/v1beta2")))
    assert (caught.value.why, str(caught.value.at)) == ("at app.yaml:1 and at app.yaml:5", "app.yaml:5")


def test_an_object_that_no_store_takes_is_refused() -> None:
    """A ConfigMap above 1 MiB says so before anything is sent."""
    with pytest.raises(InputError, match="too large"):
        fits(one(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {{a: {'x' * (MAX_DATA + 1)}}}\n"))


@pytest.mark.parametrize("data", ["[{a: b}]", "text"])
def test_data_of_the_wrong_type_is_left_for_the_server_to_name(data: str) -> None:
    """The size check is no schema: a ConfigMap whose data is no map is refused by the server, with its field."""
    wrong = one(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x}}\ndata: {data}\n")
    fits(wrong)
    assert wrong.object["data"]


def test_images_are_replaced_wherever_pods_are_described() -> None:
    """Containers of every sort in Deployments, CronJobs, Pods, custom resources and image volumes; others stay."""
    found = replaced(fixture("images.yaml"), replacements([NEW, f"busybox=docker.io/library/busybox@{DIGEST}"]))
    assert {str(m.key): [image for _, image in pods.images(m.object)] for m in found} == {
        "Deployment/shop": [f"docker.io/library/busybox@{DIGEST}", NEW, "worldacr.azurecr.io/shop-sidecar:1"],
        "CronJob/nightly": [NEW],
        "Pod/debug": [NEW, "host:1234/shop:1", NEW],
        "Rollout/canary": [NEW],
        "ConfigMap/none": [],
    }


def test_replacing_leaves_the_original_alone() -> None:
    """A manifest is never changed in place."""
    before = fixture("images.yaml")
    replaced(before, replacements([NEW]))
    assert [image for _, image in pods.images(before[0].object)][1] == "worldacr.azurecr.io/shop:old"


def test_an_image_that_no_manifest_uses_is_refused() -> None:
    """Otherwise the old version would go on running, reported as success."""
    with pytest.raises(InputError) as caught:
        replaced(fixture("images.yaml"), replacements([f"worldacr.azurecr.io/shpo@{DIGEST}"]))
    assert "worldacr.azurecr.io/shpo" in caught.value.what
    assert "worldacr.azurecr.io/shop:old" in caught.value.why


@pytest.mark.parametrize(
    ("entries", "what"),
    [
        (["worldacr.azurecr.io/shop"], "neither digest nor tag"),
        (["Not An Image"], "no image reference"),
        (["shop@sha256:12"], "no image reference"),
        ([NEW, f"worldacr.azurecr.io/shop@sha256:{'0' * 64}"], "twice"),
    ],
)
def test_replacements_that_mean_nothing_are_refused(entries: list[str], what: str) -> None:
    """The input `images` is checked before any manifest is touched."""
    with pytest.raises(InputError, match=what):
        replacements(entries)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (".spec.replicas", ("spec", "replicas")),
        ("spec.ports[0].port", ("spec", "ports", 0, "port")),
        ('.spec.containers[name="web"].image', ("spec", "containers", 1, "image")),
        ('.spec.ports[port=80,protocol="TCP"].targetPort', ("spec", "ports", 0, "targetPort")),
        ('.data["a.b"]', ("data", "a.b")),
        ('.spec.containers[name="gone"].image', ("spec", "containers")),
        ("", ()),
    ],
)
def test_field_paths_of_answers_lead_into_the_object(text: str, path: tuple[str | int, ...]) -> None:
    """Both ways in which API servers write them, as far as the object goes."""
    found = {"spec": {"containers": [{"name": "a"}, {"name": "web"}], "ports": [{"port": 80}]}, "data": {"a.b": "c"}}
    assert fieldpath.parse(text, found) == path
