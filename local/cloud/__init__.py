"""Doubles of the services that a deploy talks to, Azure, GitHub and key services: one TLS server, at their real names.

`python -m local.cloud --state DIR` serves; `runner.job_environment` gives a job its OIDC variables; README.md says what
is faithful and what is not.
"""
