"""HTTP as the connectors need it: a pool of connections to one pinned host, time limits on everything, no surprises.

Why ours and not the vendors' clients: simple-salesforce and hubspot-api-client have no time limits, the first drops our
headers when it signs in again, the second may send a POST twice when told to retry, and both cost 3 to 16 times the CPU
of urllib3 + orjson. Where they serve us, they do it on top of this: `salesforce/official.py`, `hubspot/official.py`.
"""

from __future__ import annotations

import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import orjson
import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

from syncd.errors import Retry, Stop, UserError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_PIECE = 1 << 18
_LARGEST = 256 << 20
_KEPT_OPEN = 16
_TIGHTEST = 1032  # no byte of a deflated text stands for more


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between two pieces of an answer, and for one whole call."""

    connect: float = 10.0
    read: float = 180.0
    whole: float = 600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read whole and unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json_or_none(self) -> Any:
        """The body as JSON; None where it is something else, as error pages of gateways are."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


class Wire:
    """Connections to one host. Safe to share between threads.

    Raises Retry when no whole answer came; its `outcome_unknown` says that a write may have arrived. `ca_file` names
    certificates to trust besides the usual ones.
    """

    def __init__(
        self,
        base_url: str,
        *,
        hosts: tuple[str, ...],
        emulator: bool = False,
        timeouts: Timeouts | None = None,
        ca_file: str | None = None,
    ) -> None:
        self.scheme, self.host, self.port = _address(base_url, hosts, emulator)
        self._timeouts = timeouts or Timeouts()
        self._timeout = urllib3.Timeout(connect=self._timeouts.connect, read=self._timeouts.read)
        self._pool: urllib3.HTTPConnectionPool
        if self.scheme == "https":
            self._pool = urllib3.HTTPSConnectionPool(
                self.host, self.port, maxsize=_KEPT_OPEN, cert_reqs="CERT_REQUIRED", ssl_context=_trust(ca_file)
            )
        else:
            self._pool = urllib3.HTTPConnectionPool(self.host, self.port, maxsize=_KEPT_OPEN)

    def pinned(self, link: str) -> str:
        """The path of a link that a server gave us. Raises Stop when it leads to another host."""
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            here = (self.scheme, self.host, self.port)
            if (parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)) != here:
                raise Stop(f"{self.host} sent a link to another host; it was not followed.")
        if not parts.path.startswith("/"):
            raise Stop(f"{self.host} sent a link that is no path; it was not followed.")
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, *, writing: bool = False
    ) -> Answer:
        """One request, its answer read whole."""
        if not path.startswith("/") or path.startswith("//"):
            raise Stop("A request must name a path on the configured host.")
        ends = time.monotonic() + self._timeouts.whole
        try:
            response = self._pool.urlopen(
                method,
                path,
                body=body,
                headers={"Accept-Encoding": "gzip", **headers},
                retries=False,
                redirect=False,
                timeout=self._timeout,
                preload_content=False,
                decode_content=False,
            )
            raw = self._read(response, ends, writing)
        except (NewConnectionError, ConnectTimeoutError) as error:
            raise Retry(f"{self.host} cannot be reached ({type(error).__name__}).") from None
        except SSLError as error:
            if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError):
                raise Stop(
                    f"The certificate of {self.host} is not trusted; nothing was sent. If an authority of your own or "
                    "a proxy has signed it, name that authority's file as `ca_file` of the connection."
                ) from None
            raise self._lost(error, writing) from None
        except (HTTPError, OSError) as error:
            raise self._lost(error, writing) from None
        return Answer(response.status, response.headers, self._unpacked(response, raw, writing))

    def _read(self, response: urllib3.BaseHTTPResponse, ends: float, writing: bool) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while piece := response.read1(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > _LARGEST or time.monotonic() > ends:
                response.close()
                raise Retry(f"{self.host} sent too much or too slowly; the call was given up.", outcome_unknown=writing)
        response.release_conn()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _unpacked(self, response: urllib3.BaseHTTPResponse, raw: bytes, writing: bool) -> bytes:
        if not raw or response.headers.get("Content-Encoding", "").lower() != "gzip":
            return raw
        most = len(raw) * _TIGHTEST
        unpacker = zlib.decompressobj(31)
        try:
            if most <= _LARGEST:  # in one piece, as large as the last four bytes say: a third of the time
                return zlib.decompress(raw, 31, min(int.from_bytes(raw[-4:], "little"), most) or 1)
            body = unpacker.decompress(raw, _LARGEST)
        except zlib.error as error:
            raise self._lost(error, writing) from None
        if not unpacker.eof:
            raise Retry(f"{self.host} sent an answer that is cut off or too large.", outcome_unknown=writing)
        return body

    def _lost(self, error: Exception, writing: bool) -> Retry:
        # only the kind of error is told: its text can hold the URL with a query, and so customer data
        return Retry(f"The answer of {self.host} was lost ({type(error).__name__}).", outcome_unknown=writing)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()

    def __repr__(self) -> str:
        return f"Wire({self.scheme}://{self.host}:{self.port})"


_PORTS = {"https": 443, "http": 80}


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """The usual certificates, and those of a file besides."""
    context = ssl.create_default_context()
    if ca_file is not None:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError):
            raise UserError(f"{ca_file} cannot be read as certificates in PEM form; correct `ca_file`.") from None
    return context


def _address(base_url: str, hosts: tuple[str, ...], emulator: bool) -> tuple[str, str, int]:
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise UserError(f"The URL of a connection is https:// and a host, nothing else; it names {host or 'no host'}.")
    if emulator:
        if host not in _LOOPBACK or parts.scheme not in _PORTS:
            raise UserError(f"`emulator: true` is for this machine only; {host or base_url} is not 127.0.0.1.")
    elif parts.scheme != "https":
        raise UserError(f"{host or base_url} must be reached over https (http needs `emulator: true` on 127.0.0.1).")
    elif not any(host == known or host.endswith(f".{known}") for known in hosts):
        raise UserError(f"{host or base_url} is no host of this kind of connection (expected {', '.join(hosts)}).")
    return parts.scheme, host, parts.port or _PORTS[parts.scheme]
