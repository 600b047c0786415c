"""In which order objects are applied: each wave finds what it needs, made by the waves before it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ..manifests.objects import Key, Manifest

NAMES = ("namespaces", "definitions", "configuration", "workloads", "dependents")
_NAMESPACES, DEFINITIONS, _CONFIGURATION, _WORKLOADS, _DEPENDENTS = range(len(NAMES))

# Kinds by group, where the API server or a controller needs one before the other.
_WAVES: dict[tuple[str, str], int] = {
    ("", "Namespace"): _NAMESPACES,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): DEFINITIONS,
    ("", "Pod"): _WORKLOADS,
    ("", "ReplicationController"): _WORKLOADS,
    **{("apps", kind): _WORKLOADS for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
    **{("batch", kind): _WORKLOADS for kind in ("Job", "CronJob")},
    # They scale, route to or are served by the workloads: without these they would fail or refuse.
    ("autoscaling", "HorizontalPodAutoscaler"): _DEPENDENTS,
    ("networking.k8s.io", "Ingress"): _DEPENDENTS,
    ("apiregistration.k8s.io", "APIService"): _DEPENDENTS,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _DEPENDENTS,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _DEPENDENTS,
    **{("gateway.networking.k8s.io", kind): _DEPENDENTS for kind in ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute")},
}


def wave(manifest: Manifest, defined: Collection[tuple[str, str]]) -> int:
    """The index in NAMES of the wave that applies a manifest.

    `defined` are the (group, kind) of custom resources whose definition is in the same set: the operator that reads
    and checks them comes with it, so they follow the workloads. Other custom resources are configuration.
    """
    if (manifest.group, manifest.kind) in defined:
        return _DEPENDENTS
    return _WAVES.get((manifest.group, manifest.kind), _CONFIGURATION)


def defined_kinds(manifests: Sequence[Manifest]) -> dict[tuple[str, str], Manifest]:
    """The (group, kind) of each custom resource that a set defines itself, and the definition."""
    found = {}
    for manifest in manifests:
        if (manifest.group, manifest.kind) == ("apiextensions.k8s.io", "CustomResourceDefinition"):
            spec = manifest.object.get("spec") or {}
            found[str(spec.get("group")), str((spec.get("names") or {}).get("kind"))] = manifest
    return found


def is_workload(key: Key) -> bool:
    """Whether an object runs pods whose health can be followed."""
    return _WAVES.get((key.group, key.kind)) == _WORKLOADS
