"""The room that talks to container registries: logins, ACR's token exchange, digests of what is there."""
