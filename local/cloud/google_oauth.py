"""oauth2.googleapis.com: access tokens for service accounts (developers.google.com/identity/protocols/oauth2)."""

from local.cloud.google_accounts import BadAssertion, GoogleAccounts
from local.cloud.wire import Refusal, Request, Response, refuse, reply

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class GoogleOAuth:
    def __init__(self, accounts: GoogleAccounts) -> None:
        self._accounts = accounts

    def __call__(self, request: Request) -> Response:
        if (request.method, request.path) != ("POST", "/token"):
            raise refused("invalid_request", "Not Found", 404)
        form = request.form()
        if form.get("grant_type") != GRANT:
            raise refused("unsupported_grant_type", f"Invalid grant_type: {form.get('grant_type', '')}")
        try:
            return reply(200, self._accounts.buy(form.get("assertion", "")))
        except BadAssertion as bad:
            raise refused("invalid_grant", str(bad)) from None


def refused(code: str, description: str, status: int = 400) -> Refusal:
    return refuse(status, {"error": code, "error_description": description})
