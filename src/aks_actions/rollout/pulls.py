"""Why an image can't be pulled. The texts are containerd's and the registries': `rpc error: code = NotFound …`."""

from __future__ import annotations

import re
from dataclasses import replace

from .verdict import DENIED, SEEN_TWICE, Certainty, Moment, Verdict, certain, explained, lasting, trouble

# Reasons of a waiting container that are about its image.
REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "RegistryUnavailable",
        "ImageInspectError",
        "SignatureValidationFailed",
    }
)
NO_SUCH_HOST = 30.0  # seconds; a node's DNS may hiccup for less

# What containerd and the kubelet put before the cause; the image is told beside it.
_WRAPPING = re.compile(
    r'rpc error: code = \w+ desc = |failed to pull and unpack image "[^"]*": |Failed to pull image "[^"]*": '
    r'|failed to resolve (?:reference|image)(?: "[^"]*")?: |^Back-off pulling image "[^"]*": (?:ErrImagePull: )?'
)
_PLATFORM = re.compile(r"no match(ing manifest)? for (platform|linux)", re.I)
_MISSING = re.compile(r"not found|manifest unknown|manifest_unknown|name unknown|name_unknown", re.I)
_DENIED = re.compile(
    r"\b401\b|\b403\b|unauthorized|forbidden|authorization failed|access denied|pull access denied|no basic auth", re.I
)
_HOST = re.compile(r"no such host", re.I)
_TLS = re.compile(r"x509:|certificate signed by unknown authority", re.I)
_BUSY = re.compile(r"toomanyrequests|too many requests|\b429\b", re.I)


def judge(reason: str, text: str, image: str, times: int, since: float, at: Moment) -> Verdict:
    """The verdict on a pull that failed `times` times since `since` with `text`."""
    found = replace(trouble(reason, _WRAPPING.sub("", text) or reason, since=since), image=image)
    if reason == "InvalidImageName":
        return certain(_because(found, f"{image!r} is no image reference.", "Correct the image in the manifest."))
    if reason == "ErrImageNeverPull":
        return certain(
            _because(
                found,
                "imagePullPolicy is Never and the node does not have the image.",
                "Remove `imagePullPolicy: Never`, or load the image onto every node.",
            )
        )
    if _PLATFORM.search(text):
        return certain(
            _because(
                found,
                "The image has no variant for the node's platform.",
                "Build the image for the node pool's architecture too (`platforms` of actions/build).",
            )
        )
    if _HOST.search(text):
        return lasting(
            _because(
                found, f"The node can't resolve the registry's name {_registry(image)}.", "Correct the registry's name."
            ),
            NO_SUCH_HOST,
            at,
        )
    if _BUSY.search(text):
        return explained(
            _because(
                found,
                f"The registry {_registry(image)} limits the node's requests.",
                "Import the image into your own registry (`az acr import`).",
            )
        )
    # Docker Hub says "may require authorization" of what is missing, and ACR 401 of what it hides: denial goes first.
    if _DENIED.search(text):
        return lasting(_denied(found, image), DENIED, at)
    if _MISSING.search(text):
        return _missing(found, image, times, at)
    if _TLS.search(text):
        return lasting(
            _because(
                found,
                f"The node does not trust the certificate of {_registry(image)}.",
                "Give the nodes the registry's CA.",
            ),
            DENIED,
            at,
        )
    return explained(found)


def _missing(found: Verdict, image: str, times: int, at: Moment) -> Verdict:
    if "@" in image:
        why = "The registry has no such digest. It was never pushed there, or was purged."
        remedy = "Pass the `digest` output of actions/build to `images`, or push the image again."
    else:
        why = "The registry has no such repository or tag."
        remedy = "Correct the image, or push it; best deploy by the digest that actions/build gives."
    found = _because(found, why, remedy)
    if times >= 2:
        return certain(replace(found, message=f"{found.message} (seen {times} times)"))
    return lasting(found, SEEN_TWICE, at, Certainty.CERTAIN)


def _denied(found: Verdict, image: str) -> Verdict:
    registry = _registry(image)
    if registry.endswith(".azurecr.io"):
        name = registry.split(".")[0]
        return _because(
            found,
            f"The registry {registry} refuses the cluster's kubelet identity: its role AcrPull is missing "
            "(or was given less than a few minutes ago).",
            f"az aks update --resource-group GROUP --name CLUSTER --attach-acr {name}",
        )
    return _because(
        found,
        f"The registry {registry} refuses the node: the image is private, or does not exist.",
        "Give the pod imagePullSecrets that may pull it, or correct the image's name.",
    )


def _because(found: Verdict, why: str, remedy: str) -> Verdict:
    return replace(found, why=why, remedy=remedy)


def _registry(image: str) -> str:
    first = image.split("/")[0]
    return first if "/" in image and ("." in first or ":" in first or first == "localhost") else "docker.io"
