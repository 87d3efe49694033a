"""The JWT bearer grant: a signed assertion is verified before it buys a session."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

LONGEST_VALIDITY = timedelta(minutes=5)
SKEW = timedelta(seconds=30)
_UNVERIFIED: Any = {"verify_exp": False, "verify_aud": False, "verify_nbf": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class Claims:
    """What a verified assertion says: the app and the user."""

    issuer: str
    subject: str


class Invalid(Exception):
    """The assertion is refused; the text is Salesforce's error_description."""


def public_key(pem: str) -> rsa.RSAPublicKey:
    """The RSA key of a certificate or a public key in PEM; raises ValueError."""
    packed = pem.encode()
    if b"CERTIFICATE" in packed:
        key: object = x509.load_pem_x509_certificate(packed).public_key()
    else:
        key = serialization.load_pem_public_key(packed)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("an RSA certificate or public key in PEM is needed")
    return key


def key_pair() -> tuple[str, rsa.RSAPublicKey]:
    """A new private key in PEM and its public half."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode(), private.public_key()


def verified(assertion: str, keys: Collection[Any], audiences: Collection[str], now: datetime) -> Claims:
    """The claims of an assertion that one of the keys signed; raises Invalid."""
    claims = _decoded(assertion, keys)
    issuer, subject, audience, expires = (claims.get(name) for name in ("iss", "sub", "aud", "exp"))
    if not isinstance(issuer, str) or not isinstance(subject, str) or not isinstance(expires, (int, float)):
        raise Invalid("invalid assertion")
    if audience not in audiences:
        raise Invalid("audience is invalid")
    left = expires - now.timestamp()
    if left <= -SKEW.total_seconds() or left > (LONGEST_VALIDITY + SKEW).total_seconds():
        raise Invalid("invalid assertion")
    return Claims(issuer, subject)


def _decoded(assertion: str, keys: Collection[Any]) -> dict[str, Any]:
    for key in keys:
        try:
            found: dict[str, Any] = jwt.decode(assertion, key, algorithms=["RS256"], options=_UNVERIFIED)
        except jwt.InvalidTokenError:
            continue
        return found
    raise Invalid("invalid assertion")
