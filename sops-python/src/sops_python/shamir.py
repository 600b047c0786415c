"""Shamir's secret sharing over GF(2^8), as sops splits a data key between key groups.

A share is the values of one polynomial a byte of the secret at the same x, with x as the last byte. The field is
AES's (x^8 + x^4 + x^3 + x + 1); the secret is the polynomials' value at 0.
"""

from __future__ import annotations

from collections.abc import Sequence

_POLYNOMIAL = 0x11B


def _tables() -> tuple[bytes, bytes]:
    exponent, logarithm, value = bytearray(255), bytearray(256), 1
    for power in range(255):
        exponent[power] = value
        logarithm[value] = power
        value ^= value << 1  # times 3, a generator
        if value & 0x100:
            value ^= _POLYNOMIAL
    return bytes(exponent), bytes(logarithm)


_EXP, _LOG = _tables()


def _multiply(left: int, right: int) -> int:
    return _EXP[(_LOG[left] + _LOG[right]) % 255] if left and right else 0


def _divide(left: int, right: int) -> int:
    return _EXP[(_LOG[left] - _LOG[right]) % 255] if left else 0


def split(secret: bytes, parts: int, threshold: int) -> list[bytes]:
    """`parts` shares of a secret, of which any `threshold` give it back. Raises ValueError for impossible numbers."""
    if not 2 <= threshold <= parts <= 255:
        raise ValueError(
            f"{parts} key groups can't be opened by {threshold} of them: 2 to {min(parts, 255)} are possible"
        )
    import secrets  # only who encrypts pays for it

    points = list(range(1, 256))
    secrets.SystemRandom().shuffle(points)
    shares = [bytearray() for _ in range(parts)]
    for byte in secret:
        coefficients = [byte, *secrets.token_bytes(threshold - 1)]
        for share, x in zip(shares, points, strict=False):
            value = 0
            for coefficient in reversed(coefficients):
                value = _multiply(value, x) ^ coefficient
            share.append(value)
    return [bytes(share) + bytes([x]) for share, x in zip(shares, points, strict=False)]


def combine(shares: Sequence[bytes]) -> bytes:
    """The secret that at least a threshold of shares holds; too few shares give a wrong secret, not an error.

    Raises ValueError when the shares can't belong together.
    """
    if len(shares) < 2:
        raise ValueError("at least two shares are needed")
    if len({len(share) for share in shares}) != 1 or len(shares[0]) < 2:
        raise ValueError("the shares differ in length")
    points = [share[-1] for share in shares]
    if len(set(points)) != len(points) or 0 in points:
        raise ValueError("two shares are the same part")
    weights = []
    for x in points:
        weight = 1
        for other in points:
            if other != x:
                weight = _multiply(weight, _divide(other, other ^ x))
        weights.append(weight)
    secret = bytearray(len(shares[0]) - 1)
    for index in range(len(secret)):
        for share, weight in zip(shares, weights, strict=True):
            secret[index] ^= _multiply(share[index], weight)
    return bytes(secret)
