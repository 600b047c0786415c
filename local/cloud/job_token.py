"""`python -m local.cloud.job_token --subject …`: a job's OIDC variables and GITHUB_TOKEN, one NAME=VALUE a line."""

import argparse
from pathlib import Path

from local import names
from local.cloud.runner import github_token, job_environment


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m local.cloud.job_token", description=__doc__)
    parser.add_argument(
        "--subject", required=True, help="the `sub` of the id tokens, such as repo:acme/shop:environment:production"
    )
    parser.add_argument("--repository", default=names.REPOSITORY)
    parser.add_argument("--state", type=Path, default=names.STATE)
    options = parser.parse_args()
    environment = job_environment(options.subject, state=options.state, repository=options.repository)
    environment["GITHUB_TOKEN"] = github_token(state=options.state, repository=options.repository)
    for name, value in environment.items():
        print(f"{name}={value}")


if __name__ == "__main__":
    main()
