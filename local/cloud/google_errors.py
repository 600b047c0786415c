"""Error bodies of Google's APIs (google.aip.dev/193)."""

from local.cloud.wire import Refusal, reply


class GoogleError(Refusal):
    def __init__(
        self, status: int, code: str, message: str, reason: str | None = None, *headers: tuple[str, str]
    ) -> None:
        """`code` is google.rpc's; `reason` that of an ErrorInfo."""
        error: dict[str, object] = {"code": status, "message": message, "status": code}
        if reason:
            info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}
            error["details"] = [info | {"metadata": {"service": "cloudkms.googleapis.com"}}]
        super().__init__(reply(status, {"error": error}, *headers))

    @classmethod
    def unauthenticated(cls, reason: str) -> "GoogleError":
        missing = reason == "CREDENTIALS_MISSING"
        what = "is missing required authentication credential" if missing else "had invalid authentication credentials"
        challenge = 'Bearer realm="https://accounts.google.com/"' + ("" if missing else ', error="invalid_token"')
        return cls(
            401,
            "UNAUTHENTICATED",
            f"Request {what}. Expected OAuth 2 access token, login cookie or other valid authentication credential.",
            reason,
            ("WWW-Authenticate", challenge),
        )
