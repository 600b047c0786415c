"""Signing keys of the issuers, and JSON Web Tokens signed with them."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.types import Options

from local.cloud.files import write


def b64url(data: bytes) -> str:
    """Base64 for URLs without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def b64url_decode(text: str) -> bytes:
    """The inverse of `b64url`; raises ValueError for what is not base64."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def integer(number: int) -> str:
    return b64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def kept_secret(path: Path) -> bytes:
    """The 32 bytes of a file, made when there is none."""
    if not path.exists():
        write(path, secrets.token_bytes(32), secret=True)
    return path.read_bytes()


class SigningKey:
    """An RSA key, its public JWK, and the tokens that it signs (RS256)."""

    def __init__(self, private: rsa.RSAPrivateKey) -> None:
        self.private = private
        numbers = private.public_key().public_numbers()
        self.n, self.e = integer(numbers.n), integer(numbers.e)
        self.kid = b64url(hashlib.sha256(self.n.encode()).digest()[:20])

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """The key in a PEM file, made when there is none: tokens of a server outlive its restart."""
        if not path.exists():
            write(path, pem(rsa.generate_private_key(65537, 2048)), secret=True)
        private = serialization.load_pem_private_key(path.read_bytes(), None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key")
        return cls(private)

    def jwks(self, issuer: str | None = None) -> dict[str, Any]:
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "n": self.n, "e": self.e}
        return {"keys": [key | ({"issuer": issuer} if issuer else {})]}

    def sign(self, claims: Mapping[str, Any], headers: Mapping[str, Any] | None = None) -> str:
        return jwt.encode(dict(claims), self.private, algorithm="RS256", headers={"kid": self.kid, **(headers or {})})

    def claims(self, token: str) -> dict[str, Any]:
        """The claims of a token that this key signed, whatever they say; raises jwt.InvalidTokenError for any other."""
        accept_all: Options = {
            "verify_aud": False,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_iss": False,
        }
        claims: dict[str, Any] = jwt.decode(token, self.private.public_key(), algorithms=["RS256"], options=accept_all)
        return claims


def pem(private: rsa.RSAPrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
