"""simple-salesforce for what it is good at, on our transport: direct mode, so that it never signs in by itself.

It builds requests; the transport sends them, with our token, time limits, host, budget and errors. Imported only when a
connection is checked, because it costs half a second and 45 MB.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from syncd.connectors.transport import Transport

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce

_HELD = "held-by-the-transport"
_OURS = frozenset({"authorization", "accept-encoding", "connection", "content-length", "user-agent"})


class _OnTransport(BaseAdapter):
    """A requests adapter that hands everything to our transport."""

    def __init__(self, transport: Transport) -> None:
        super().__init__()
        self._transport = transport

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """Send it; refusals raise our errors before simple-salesforce sees them."""
        parts = urlsplit(str(request.url))
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {str(k): str(v) for k, v in request.headers.items() if str(k).lower() not in _OURS}
        answer = self._transport.call(
            str(request.method), path, template=f"simple-salesforce/{parts.path.rsplit('/', 1)[-1]}", headers=headers
        )
        response = Response()
        response.status_code, response.url, response.request = answer.status, str(request.url), request
        response.headers = CaseInsensitiveDict(answer.headers)
        response.headers.pop("Content-Encoding", None)
        response.raw, response.encoding = BytesIO(answer.body), "utf-8"
        return response

    def close(self) -> None:
        """The transport outlives us."""


def client(transport: Transport, version: str) -> Salesforce:
    """simple-salesforce for reading calls on this connection. It takes no bodies: nothing is written through it."""
    from simple_salesforce.api import Salesforce

    session = Session()
    session.trust_env = False
    session.mount("https://", _OnTransport(transport))
    host = f"{transport.wire.host}:{transport.wire.port}"
    return Salesforce(session_id=_HELD, instance_url=f"https://{host}", version=version, session=session)


def daily_calls(transport: Transport, version: str) -> Mapping[str, int]:
    """How many calls the org may make in a rolling day, and how many of them are left."""
    limits = client(transport, version).limits()
    return dict(limits.get("DailyApiRequests") or {}) if isinstance(limits, dict) else {}
