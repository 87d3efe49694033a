"""Webhooks of HubSpot: a signed message that something has changed. It is a hint to pull sooner, and never a fact."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import orjson

MOST_BYTES = 1_000_000
"""HubSpot sends at most a hundred events in one message; more than this is nothing of HubSpot's."""
AGE_ALLOWED = timedelta(minutes=5)
_REMEMBERED = 10_000
_SIGNED_PLAIN = re.compile("%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)


class Refused(Exception):
    """A message that is not what it says it is. The sentence is for our own log, not for the sender."""


@dataclass(frozen=True, slots=True)
class Message:
    """What came in. `url` is the address that HubSpot was given, which a proxy may have changed on the way."""

    method: str
    url: str
    body: bytes
    signature: str
    timestamp: str


class Gate:
    """Lets signed messages of one portal through, each once. `portal` says which one that is by now."""

    def __init__(self, secret: str, portal: Callable[[], str]) -> None:
        self._secret = secret.encode()
        self._portal = portal
        self._seen: OrderedDict[str, datetime] = OrderedDict()

    def events(self, message: Message, now: datetime) -> int:
        """How many events of our portal it brings; none when it has come before. Raises Refused.

        Signature version 3: HMAC-SHA256 over method, full URL, raw body and timestamp, in base64; some escapes of the
        URL are signed as the characters that they stand for (HubSpot, "Validating requests").
        """
        self._check_time(message.timestamp, now)
        if not hmac.compare_digest(self._signature(message).encode(), message.signature.encode()):
            raise Refused("the signature is wrong: is the secret that of the app, and the URL the one it was given?")
        if not self._is_new(message.signature, now):
            return 0
        ours = self._portal()
        return sum(1 for portal in _portals(message.body) if ours and portal == ours)

    def _check_time(self, timestamp: str, now: datetime) -> None:
        if not timestamp.isdecimal() or len(timestamp) > 15:
            raise Refused("it bears no timestamp.")
        sent = datetime.fromtimestamp(int(timestamp) / 1000, UTC)
        if abs(now - sent) > AGE_ALLOWED:
            raise Refused(f"it is of {sent:%Y-%m-%d %H:%M:%S}Z, more than five minutes from now: is this clock right?")

    def _signature(self, message: Message) -> str:
        url = _SIGNED_PLAIN.sub(lambda escape: unquote(escape[0]), message.url)
        signed = message.method.encode() + url.encode() + message.body + message.timestamp.encode()
        return base64.b64encode(hmac.new(self._secret, signed, hashlib.sha256).digest()).decode()

    def _is_new(self, signature: str, now: datetime) -> bool:
        """Older ones need not be remembered: their time is refused."""
        while self._seen and next(iter(self._seen.values())) < now - 2 * AGE_ALLOWED:
            self._seen.popitem(last=False)
        if signature in self._seen:
            return False
        if len(self._seen) >= _REMEMBERED:
            self._seen.popitem(last=False)
        self._seen[signature] = now
        return True


def _portals(body: bytes) -> Iterable[str]:
    try:
        events = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Refused("its body is no JSON.") from None
    if not isinstance(events, list):
        raise Refused("its body is no list of events.")
    return [str(event.get("portalId", "")) for event in events if isinstance(event, dict)]
