"""What GitHub says of the run: repository, commit, run, as far as its variables are set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """The run; empty texts outside of GitHub."""

    repository: str
    commit: str
    ref: str
    run_id: str
    run_url: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Context:
        def get(name: str) -> str:
            return environ.get(f"GITHUB_{name}", "")

        url = f"{get('SERVER_URL')}/{get('REPOSITORY')}/actions/runs/{get('RUN_ID')}" if get("RUN_ID") else ""
        return cls(get("REPOSITORY"), get("SHA"), get("REF"), get("RUN_ID"), url)
