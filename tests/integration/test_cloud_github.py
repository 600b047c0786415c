"""GitHub's REST API, judged by PyGithub."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests
from github import Auth, Github, GithubException
from github.Repository import Repository

from local import names
from local.cloud.runner import github_token
from tests.integration.cloud import Cloud, in_cloud

API = "https://api.github.com"
SHA = "1234567890123456789012345678901234567890"


def repository(cloud: Cloud, **token: Any) -> Repository:
    """acme/shop to a job's GITHUB_TOKEN, without PyGithub's own retries and pauses."""
    auth = Auth.Token(github_token(state=cloud.state, **token))
    return Github(auth=auth, retry=None, seconds_between_requests=None, seconds_between_writes=None).get_repo(
        names.REPOSITORY
    )


@in_cloud
def test_a_deployment_goes_through_its_statuses(cloud: Cloud) -> None:
    shop = repository(cloud)
    environment = f"test-{time.time_ns()}"
    deployment = shop.create_deployment(
        SHA,
        environment=environment,
        auto_merge=False,
        required_contexts=[],
        description="v1",
        payload={"digest": "sha256:1"},
    )
    assert (deployment.sha, deployment.environment, deployment.payload) == (SHA, environment, {"digest": "sha256:1"})
    for state in ("in_progress", "success"):
        deployment.create_status(
            state, target_url="https://example.test/log", environment_url="https://shop.example.test"
        )
    assert [status.state for status in deployment.get_statuses()] == ["success", "in_progress"]
    assert deployment.get_statuses()[0].environment_url == "https://shop.example.test"
    assert [found.id for found in shop.get_deployments(environment=environment)] == [deployment.id]
    assert shop.get_deployment(deployment.id).ref == SHA


@in_cloud
def test_a_successful_deployment_makes_the_earlier_one_inactive(cloud: Cloud) -> None:
    shop = repository(cloud)
    environment = f"test-{time.time_ns()}"
    first, second = (shop.create_deployment("main", environment=environment, auto_merge=False) for _ in range(2))
    first.create_status("success")
    second.create_status("success")
    assert [status.state for status in first.get_statuses()] == ["inactive", "success"]
    assert [found.id for found in shop.get_deployments(environment=environment)] == [second.id, first.id]


@in_cloud
def test_a_sticky_comment_is_found_and_edited(cloud: Cloud) -> None:
    number = time.time_ns() % 1_000_000 + 1
    issue = repository(cloud).get_issue(number)
    for text in ("hello", "<!-- aks-actions --> plan 1"):
        issue.create_comment(text)
    sticky = next(comment for comment in issue.get_comments() if "<!-- aks-actions -->" in comment.body)
    sticky.edit("<!-- aks-actions --> plan 2")
    assert [comment.body for comment in issue.get_comments()] == ["hello", "<!-- aks-actions --> plan 2"]
    sticky.delete()
    assert [comment.body for comment in issue.get_comments()] == ["hello"]


@in_cloud
def test_listings_come_in_pages(cloud: Cloud) -> None:
    issue = repository(cloud).get_issue(time.time_ns() % 1_000_000 + 1)
    for number in range(35):
        issue.create_comment(f"comment {number}")
    assert [comment.body for comment in issue.get_comments()] == [f"comment {number}" for number in range(35)]


@in_cloud
def test_a_check_run_gathers_annotations_and_completes(cloud: Cloud) -> None:
    shop = repository(cloud)
    note = {
        "path": "k8s/app.yaml",
        "start_line": 3,
        "end_line": 3,
        "annotation_level": "warning",
        "message": "no probe",
    }
    output: Any = {"title": "verify", "summary": "one probe missing", "annotations": [note]}
    check = shop.create_check_run("verify", SHA, status="in_progress", output=output)
    check.edit(conclusion="failure", output=output)
    found = shop.get_check_run(check.id)
    assert (found.status, found.conclusion, found.output.annotations_count) == ("completed", "failure", 2)
    assert [item.message for item in found.get_annotations()] == ["no probe", "no probe"]
    listed = requests.get(
        f"{API}/repos/{names.REPOSITORY}/commits/{SHA}/check-runs",
        headers={"Authorization": f"Bearer {github_token(state=cloud.state)}"},
        timeout=10,
    ).json()
    assert check.id in {item["id"] for item in listed["check_runs"]}


@in_cloud
def test_bad_credentials_missing_permission_and_foreign_repositories_differ(cloud: Cloud) -> None:
    with pytest.raises(GithubException) as caught:
        Github(auth=Auth.Token("ghs_forged"), retry=None).get_repo(names.REPOSITORY)
    assert (caught.value.status, caught.value.data["message"]) == (401, "Bad credentials")
    with pytest.raises(GithubException) as caught:
        repository(cloud, permissions={"contents": "read", "deployments": "read"}).create_deployment("main")
    assert (caught.value.status, caught.value.data["message"]) == (403, "Resource not accessible by integration")
    with pytest.raises(GithubException) as caught:
        Github(auth=Auth.Token(github_token(state=cloud.state, repository="acme/other")), retry=None).get_repo(
            names.REPOSITORY
        )
    assert caught.value.status == 404


@in_cloud
def test_invalid_bodies_are_422_with_the_field(cloud: Cloud) -> None:
    shop = repository(cloud)
    deployment = shop.create_deployment("main", auto_merge=False)
    with pytest.raises(GithubException) as caught:
        deployment.create_status("success", description="x" * 141)
    assert (caught.value.status, caught.value.data["errors"][0]["field"]) == (422, "description")
    with pytest.raises(GithubException) as caught:
        deployment.create_status("finished")
    assert (caught.value.status, caught.value.data["errors"][0]["field"]) == (422, "state")


@in_cloud
def test_an_unchanged_answer_is_304_and_free(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {github_token(state=cloud.state)}", "X-GitHub-Api-Version": "2022-11-28"}
    url = f"{API}/repos/{names.REPOSITORY}"
    first = requests.get(url, headers=headers, timeout=10)
    again = requests.get(url, headers={**headers, "If-None-Match": first.headers["ETag"]}, timeout=10)
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")
    assert first.headers["X-RateLimit-Remaining"] == again.headers["X-RateLimit-Remaining"] == "999"
    assert first.headers["X-GitHub-Api-Version-Selected"] == "2022-11-28"


@in_cloud
def test_an_exhausted_rate_limit_is_403_until_its_reset(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {github_token(state=cloud.state, rate_limit=2)}"}
    answers = [requests.get(f"{API}/repos/{names.REPOSITORY}", headers=headers, timeout=10) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert answers[2].headers["X-RateLimit-Remaining"] == "0"
    assert time.time() < int(answers[2].headers["X-RateLimit-Reset"]) <= time.time() + 3600
    assert "API rate limit exceeded" in answers[2].json()["message"]


@in_cloud
def test_an_unknown_api_version_is_400(cloud: Cloud) -> None:
    headers = {"Authorization": f"Bearer {github_token(state=cloud.state)}", "X-GitHub-Api-Version": "1999-01-01"}
    assert requests.get(f"{API}/repos/{names.REPOSITORY}", headers=headers, timeout=10).status_code == 400
