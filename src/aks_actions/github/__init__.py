"""The room that talks to GitHub: the runner's commands and files, its OIDC issuer, its context."""
