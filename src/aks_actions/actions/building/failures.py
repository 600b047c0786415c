"""From what BuildKit said to a failure in the user's words."""

from __future__ import annotations

from pathlib import Path

from ...errors import AuthError, BuildFailed, Failure, InputError, Location, TransientError
from ...images.build_errors import Kind, kind, registry_of
from ...images.progress import Progress
from ...registry.acr import is_acr, role_command

_SHOWN = 20  # lines of the failing step; all of them are in the details


def explained(progress: Progress, dockerfile: Path, testing: str) -> Failure:
    """The failure of a build that ended with an error; `testing` is the command of a test's build, else empty."""
    error = progress.error or "buildx ended without a word"
    at = Location(str(dockerfile), progress.dockerfile_line) if progress.dockerfile_line else None
    first = error.removeprefix("failed to build: ").removeprefix("failed to solve: ").partition("\n")[0]
    match kind(error):
        case Kind.INSTRUCTION:
            return _instruction(progress, at, error, testing)
        case Kind.DOCKERFILE:
            return InputError(f"{dockerfile} can't be read", why=first, at=at, details=error)
        case Kind.STAGE:
            return InputError(f"{dockerfile}: {first}", do="Correct `target` or `test-target`.", details=error)
        case Kind.MISSING_FILE:
            return InputError(
                "a file that the Dockerfile copies is not in the build's context",
                why=first,
                do="Is it committed, and not excluded by .dockerignore? Paths start at `context`.",
                at=at,
                details=error,
            )
        case Kind.BASE_IMAGE:
            return BuildFailed(
                "a base image can't be had",
                why=first,
                do="Correct its name or tag in FROM; a private one needs a login at its registry before this step.",
                at=at,
                details=error,
            )
        case Kind.DENIED:
            return _denied(error, first)
        case Kind.BUILDER:
            return InputError(
                "the builder can't be used",
                why=first,
                do="Run docker/setup-buildx-action before this step, or pass `builder`.",
                details=error,
            )
        case Kind.TRANSIENT:
            return TransientError(
                "the build was stopped by a fault that may pass", why=first, do="Run the job again.", details=error
            )
        case _:
            return BuildFailed("BuildKit could not build the image", why=first, at=at, details=error)


def _instruction(progress: Progress, at: Location | None, error: str, testing: str) -> BuildFailed:
    step = progress.failed
    name = step.name if step else "an instruction"
    log = step.log if step else []
    ended = error.rpartition("did not complete successfully: ")[2].partition("\n")[0]
    shown = "\n".join(log[-_SHOWN:])
    cut = f"(the last {_SHOWN} of {len(log)} lines)\n" if len(log) > _SHOWN else ""
    return BuildFailed(
        f"{'the tests failed' if testing else 'the build failed'} in {_short(name)}: {ended}",
        why=f"{cut}{shown}" if log else "It wrote nothing.",
        do=f"See it where you are: {testing}" if testing else "",
        at=at,
        details="\n".join(log) or error,
    )


def _denied(error: str, first: str) -> AuthError:
    host = registry_of(error)
    if is_acr(host):
        do = f"Give the identity AcrPush:\n{role_command(host, 'AcrPush')}"
    else:
        do = "Pass registry-username and registry-password of an account that may push."
    return AuthError(f"registry {host or 'of the image'} refused the push", why=first, do=do, details=error)


def _short(name: str) -> str:
    first = name.partition("\n")[0]
    return first if len(first) <= 80 else first[:79] + "…"
