"""All of the world's processes, for what the world is planned to be."""

import os
from collections.abc import Mapping

from local import names
from local.world import config, entering, kubernetes, namespaces, paths, probes
from local.world.component import Component, binary, task
from local.world.state import Plan


def _meet_the_cloud() -> None:
    """The doubles are there: every process of the world finds them by their real names, the API server trusts them."""
    namespaces.bind(paths.HOSTS, "/etc/hosts")
    (paths.CONFIG / "authentication.yaml").write_text(config.entra_authentication(paths.CLOUD_CA.read_text()))


def cloud(python: Mapping[str, str], cluster: bool) -> list[Component]:
    """The doubles and the registries: an existing cluster needs them too."""
    existing = [] if cluster else ["--kubeconfig", str(paths.KUBECONFIG)]
    return [
        Component(
            "cloud",
            paths.python_command("local.cloud", "--state", str(names.STATE), *existing),
            ready=probes.exists(paths.CLOUD_READY),
            then=_meet_the_cloud,
            environment=python,
        ),
        Component(
            "registry",
            ["docker-registry", "serve", str(paths.CONFIG / "registry.yaml")],
            ("cloud",),
            probes.answers("127.0.0.1", names.REGISTRY_PORT, "/v2/", expected=401),
        ),
        Component(
            "mirror",
            ["docker-registry", "serve", str(paths.CONFIG / "mirror.yaml")],
            (),
            probes.answers("127.0.0.1", names.MIRROR_PORT, "/v2/"),
        ),
        Component("base-images", task("base-images"), ("mirror",), kind="task", environment=python),
    ]


def builder() -> list[Component]:
    create = ["create", "--name", entering.BUILDER, "--driver", "remote", "--use", f"unix://{paths.BUILDKIT_SOCKET}"]
    configured = {**paths.component_environment(os.environ), "BUILDX_CONFIG": str(paths.BUILDX_CONFIG)}
    return [
        Component(
            "buildkitd",
            [binary("buildkitd"), "--config", str(paths.CONFIG / "buildkitd.toml")],
            ("cloud",),
            probes.unix_socket(paths.BUILDKIT_SOCKET),
        ),
        Component("buildx", [binary("buildx"), *create], ("buildkitd",), kind="task", environment=configured),
    ]


def all_of(plan: Plan) -> list[Component]:
    python = paths.python_environment(os.environ)
    return [
        *cloud(python, plan.cluster),
        *(builder() if plan.builder else []),
        *(kubernetes.cluster(python) if plan.cluster else []),
    ]
