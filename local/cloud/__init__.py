"""Doubles of the Azure and GitHub services that a deploy talks to: one TLS server, at their real names.

`python -m local.cloud --state DIR` serves; `runner.job_environment` gives a job its OIDC variables; README.md says what
is faithful and what is not.
"""
