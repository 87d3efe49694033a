"""Sends webhooks over HTTP to this machine, signed as HubSpot signs them (version 3)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from http.client import HTTPConnection, HTTPException
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import orjson

from syncd.emulator.errors import EmulatorRefusal

TIMEOUT = 5.0  # seconds; the vendor waits no longer for an answer
DECODED = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Answer(NamedTuple):
    """What a receiver answered; status 0: nothing."""

    status: int
    retry_after: float | None


def check_target(url: str) -> None:
    """Raises EmulatorRefusal unless the URL is plain HTTP to this machine."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise EmulatorRefusal("VALIDATION_ERROR", f"webhooks go to http on this machine only, not to {url!r}")


def signature(secret: str, method: str, url: str, body: bytes, timestamp: int) -> str:
    """X-HubSpot-Signature-v3: HMAC-SHA256 over method, full URL, body and timestamp, in base64.

    Of the URL's escapes those of `DECODED` are signed as the characters that they stand for.
    """
    plain = DECODED.sub(lambda escape: unquote(escape[0]), url)
    message = method.encode() + plain.encode() + body + str(timestamp).encode()
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def post(url: str, events: list[dict[str, Any]], secret: str, timestamp: int) -> Answer:
    """POST one batch; a receiver that does not answer within five seconds has not."""
    parts, body = urlsplit(url), orjson.dumps(events)
    headers = {
        "Content-Type": "application/json", "Accept": "*/*", "User-Agent": "HubSpot Connect 2.0 (webhooks)",
        "X-HubSpot-Request-Timestamp": str(timestamp), "X-HubSpot-Signature-Version": "v3",
        "X-HubSpot-Signature-v3": signature(secret, "POST", url, body, timestamp),
    }  # fmt: skip
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=TIMEOUT)
    try:
        connection.request("POST", (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
        answer = connection.getresponse()
        answer.read()
        after = answer.headers.get("Retry-After", "")
        return Answer(answer.status, float(after) if after.isdigit() else None)
    except (OSError, HTTPException):
        return Answer(0, None)
    finally:
        connection.close()
