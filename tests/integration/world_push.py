"""Builds and pushes an image as a job of main would; entered. `world_push.py REPOSITORY DIRECTORY` prints its name."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import requests
from azure.identity import ClientAssertionCredential

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from local import names
from local.cloud.runner import job_environment

DOCKERFILE = """\
FROM python:3.13-slim
USER 65532:65532
CMD ["python", "-c", "import os; print('hello from', os.getuid())"]
"""


def id_token() -> str:
    job = job_environment(names.SUBJECTS[0])
    headers = {"Authorization": f"bearer {job['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"}
    query = {"audience": "api://AzureADTokenExchange"}
    answer = requests.get(job["ACTIONS_ID_TOKEN_REQUEST_URL"], params=query, headers=headers, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["value"])


def refresh_token() -> str:
    credential = ClientAssertionCredential(names.TENANT, names.CLIENT_ID, id_token)
    access = credential.get_token("https://containerregistry.azure.net/.default").token
    form = {"grant_type": "access_token", "service": names.REGISTRY, "tenant": names.TENANT, "access_token": access}
    answer = requests.post(f"https://{names.REGISTRY}/oauth2/exchange", data=form, timeout=10)
    answer.raise_for_status()
    return str(answer.json()["refresh_token"])


def main(repository: str, directory: Path) -> None:
    login = base64.b64encode(f"00000000-0000-0000-0000-000000000000:{refresh_token()}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {names.REGISTRY: {"auth": login}}}))
    context = directory / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(DOCKERFILE)
    metadata, target = directory / "metadata.json", f"{names.REGISTRY}/{repository}"
    subprocess.run(
        ["buildx", "build", "--push", "--tag", f"{target}:1", "--metadata-file", str(metadata), str(context)],
        env={**os.environ, "DOCKER_CONFIG": str(directory)},
        check=True,
    )
    sys.stdout.write(f"{target}@{json.loads(metadata.read_text())['containerimage.digest']}\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
