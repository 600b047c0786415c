"""Entra's error body, with its AADSTS code."""

import time
import uuid

from local.cloud.wire import Refusal, reply

FEDERATION_HELP = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation"


class TokenError(Refusal):
    """A refused token request: 401 for a client that failed to prove who it is, 400 for all else."""

    def __init__(self, code: int, reason: str, error: str = "invalid_request") -> None:
        trace, correlation = str(uuid.uuid4()), str(uuid.uuid4())
        stamp = time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime())
        marks = f"Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        super().__init__(
            reply(
                401 if error == "invalid_client" else 400,
                {
                    "error": error,
                    "error_description": f"AADSTS{code}: {reason} {marks}",
                    "error_codes": [code],
                    "timestamp": stamp,
                    "trace_id": trace,
                    "correlation_id": correlation,
                    "error_uri": f"https://login.microsoftonline.com/error?code={code}",
                },
            )
        )
