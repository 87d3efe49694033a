"""Gets an answer to the client: whole, gzipped on request, or spoilt in the way that a fault asks for."""

from __future__ import annotations

import asyncio
import http
import os
import random
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from syncd.emulator.faults import Fault, Garbling
from syncd.emulator.http import Call, Page, Reply, gzip_fast

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

GZIP_FROM = 860
TRANSPORT = "syncd.transport"
_PATIENCE = 5.0
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time: closing sends RST


class Delivery:
    """One answer on its way to one client."""

    def __init__(self, call: Call, scope: Message, receive: Receive, send: Send) -> None:
        self._call, self._receive, self._send = call, receive, send
        self._transport: asyncio.Transport = scope["extensions"][TRANSPORT]
        self._http_1_0 = scope.get("http_version") == "1.0"

    async def whole(self, reply: Reply, now: datetime, id_header: str) -> None:
        """The answer as it should be."""
        body, headers = self._prepared(reply, now, id_header)
        await self._start(reply.status, headers)
        await self._send({"type": "http.response.body", "body": b"" if self._call.method == "HEAD" else body})

    async def spoilt(self, reply: Reply, now: datetime, id_header: str, fault: Fault) -> None:
        """The answer as a fault in the way of it leaves it."""
        if fault.mode == "garble":
            dice = random.Random(f"garble {self._call.id}")  # noqa: S311 (a seed, not a secret)
            reply.body = garbled(reply.raw(), fault.garbling, dice)
        body, headers = self._prepared(reply, now, id_header)
        if fault.mode == "drip":
            await self._drip(reply.status, headers, body, fault)
        elif fault.mode == "truncate":
            await self._broken_off(reply.status, headers, body[: fault.after_bytes], fault)
        elif fault.mode == "wrong_length":
            headers["Content-Length"] = str(max(0, len(body) + fault.length_off))
            await self._broken_off(reply.status, headers, body, fault)
        else:
            if fault.mode == "cut":
                body = body[: fault.after_bytes]
                headers["Content-Length"] = str(len(body))
            await self._start(reply.status, headers)
            await self._send({"type": "http.response.body", "body": b"" if self._call.method == "HEAD" else body})

    async def nothing(self, reset: bool) -> None:
        """No answer at all: the connection ends."""
        self._abort(reset)
        await self._gone()

    def _prepared(self, reply: Reply, now: datetime, id_header: str) -> tuple[bytes, dict[str, str]]:
        body, headers = _encoded(self._call, reply)
        headers["Date"] = format_datetime(now, usegmt=True)
        headers.setdefault(id_header, self._call.id)
        if reply.status not in (204, 304):
            headers["Content-Length"] = str(len(body))
        return body, headers

    async def _start(self, status: int, headers: dict[str, str]) -> None:
        pairs = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": pairs})

    async def _drip(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
        await self._start(status, headers)
        for start in range(0, len(body), fault.step_bytes):
            if self._transport.is_closing():
                return
            piece = body[start : start + fault.step_bytes]
            await self._send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(fault.seconds)  # 0 lets others have their turn
        await self._send({"type": "http.response.body", "body": b""})

    async def _broken_off(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
        """What the server would refuse to send, written past it; then the connection ends."""
        phrase = http.HTTPStatus(status).phrase if status in http.HTTPStatus._value2member_map_ else ""
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name.lower()}: {value}" for name, value in headers.items())]
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self._transport.write(head + (b"" if self._call.method == "HEAD" else body))
        if fault.reset:
            await self._flushed()
            self._abort(reset=True)
        else:
            self._transport.close()
        await self._gone()

    def _abort(self, reset: bool) -> None:
        own = self._transport.get_extra_info("socket")
        if reset and own is not None:
            with socket.socket(fileno=os.dup(own.fileno())) as same:
                same.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    async def _flushed(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        while self._transport.get_write_buffer_size() and loop.time() < end:
            await asyncio.sleep(0)

    async def _gone(self) -> None:
        """Waits until the server has noticed that the connection is over, so that it does not try to answer."""
        try:
            async with asyncio.timeout(_PATIENCE):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
        except TimeoutError:  # a client that does not read keeps the rest in the buffer
            self._transport.abort()


def _encoded(call: Call, reply: Reply) -> tuple[bytes, dict[str, str]]:
    headers = dict(reply.headers)
    raw = reply.raw()
    if len(raw) < GZIP_FROM or "gzip" not in call.headers.get("accept-encoding", ""):
        return raw, headers
    headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return (reply.body.packed() if isinstance(reply.body, Page) else gzip_fast(raw)), headers


def garbled(body: bytes, how: Garbling, dice: random.Random) -> bytes:
    """A body with a byte order mark, in Latin-1, or with NUL or random bytes at three places."""
    if how == "bom":
        return b"\xef\xbb\xbf" + body
    if how == "latin-1":
        return body.decode(errors="replace").encode("latin-1", "replace")
    spoilt = bytearray(body)
    for _ in range(min(3, len(spoilt))):
        spoilt[dice.randrange(len(spoilt))] = 0 if how == "nul" else dice.randrange(128, 256)
    return bytes(spoilt)
