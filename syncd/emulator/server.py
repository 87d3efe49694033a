"""One emulated server as an ASGI application: reads calls, lets faults strike, keeps the request log."""

from __future__ import annotations

import asyncio
import sys
import traceback
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import RLock
from typing import Any

from syncd.emulator.clock import Clock
from syncd.emulator.delivery import Delivery, Message, Receive, Send
from syncd.emulator.faults import REORDER_SECONDS, Fault, FaultPlan, Held, LateRequests, due_at
from syncd.emulator.http import JSON_TYPE, Call, Handler, Refused, Reply, segments_of
from syncd.emulator.log import Journal, Request

LARGEST_BODY = 160 * 1024 * 1024
"""Bytes of a request body, unpacked; the largest upload of either vendor (a bulk job's data) is 150 MB."""


@dataclass(slots=True)
class Surroundings:
    """What every server of one emulator shares."""

    clock: Clock
    journal: Journal
    faults: FaultPlan
    lock: RLock
    late: LateRequests = field(default_factory=LateRequests)
    keep_bodies: bool = False

    def apply_due(self) -> int:
        """Apply the held requests whose time has come; returns how many."""
        if not self.late:
            return 0
        with self.lock:
            return self.late.apply_due(self.clock.now())


class HttpApp:
    """An ASGI application around one handler, with faults, gzip, `Date` and the audit log.

    With `apart` the handler works in a thread of its own and takes the lock itself: it may wait for something that
    needs the other servers, such as a webhook's receiver.
    """

    def __init__(
        self, system: str, handle: Handler, around: Surroundings, new_id: Callable[[], str], id_header: str,
        apart: bool = False,
    ) -> None:  # fmt: skip
        self._system, self._handle, self._around, self._apart = system, handle, around, apart
        self._new_id, self._id_header = new_id, id_header
        self._waiting: set[asyncio.Event] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        call = _call(scope, self._new_id())
        delivery = Delivery(call, scope, receive, send)
        try:
            refused = await _read_body(call, receive)
        except _Gone:  # what it began to send is not what it meant
            self._log(call, 0, 0, None)
            return
        if refused is not None:
            self._log(call, refused.status, 0, None)
            await delivery.whole(refused, self._around.clock.now(), self._id_header)
            return
        with self._around.lock:
            self._around.apply_due()
            fault = self._around.faults.take(self._system, call.method, call.path, call.query, call.body)
        if fault is None:
            reply = await asyncio.to_thread(self._handled, call) if self._apart else self._applied(call)
            self._log(call, reply.status, reply.records, None)
            await delivery.whole(reply, self._around.clock.now(), self._id_header)
            self._let_go()
        else:
            await self._struck(call, fault, delivery)

    # --- with a fault in the way

    async def _struck(self, call: Call, fault: Fault, delivery: Delivery) -> None:
        if fault.mode in ("drop_before", "apply_late"):
            self._log(call, 0, 0, fault)
            if fault.mode == "apply_late":
                self._hold(call, fault)
            await delivery.nothing(fault.reset)
            return
        if fault.mode == "slow":
            await asyncio.sleep(fault.seconds)
        reply = self._applied_under(call, fault)
        self._log(call, reply.status, reply.records, fault)
        if fault.mode == "apply_then_drop":
            await delivery.nothing(fault.reset)
            return
        await self._held_up(fault)
        await delivery.spoilt(reply, self._around.clock.now(), self._id_header, fault)
        self._let_go()

    def _applied_under(self, call: Call, fault: Fault) -> Reply:
        if fault.mode == "status":
            return _planned_reply(fault)
        if fault.mode == "duplicate":
            twin = _copy(call)
            first = self._applied(twin)
            self._log(twin, first.status, first.records, fault)
        reply = self._applied(call)
        if fault.mode == "status_after":
            planned = _planned_reply(fault)
            planned.records = reply.records
            return planned
        return reply

    def _hold(self, call: Call, fault: Fault) -> None:
        held = Held(call.id, self._system, call.method, call.path, due_at(self._around.clock.now(), fault.seconds))
        with self._around.lock:
            self._around.late.hold(held, lambda: self._applied(call).status)

    async def _held_up(self, fault: Fault) -> None:
        if fault.mode == "slow_answer":
            await asyncio.sleep(fault.seconds)
        elif fault.mode == "reorder":
            overtaken = asyncio.Event()
            self._waiting.add(overtaken)
            try:
                async with asyncio.timeout(fault.seconds or REORDER_SECONDS):
                    await overtaken.wait()
            except TimeoutError:  # nobody came to overtake it
                self._waiting.discard(overtaken)

    def _let_go(self) -> None:
        waiting, self._waiting = self._waiting, set()
        for overtaken in waiting:
            overtaken.set()

    # --- without

    def _applied(self, call: Call) -> Reply:
        with self._around.lock:
            return self._handled(call)

    def _handled(self, call: Call) -> Reply:
        try:
            return self._handle(call)
        except Refused as refused:
            return refused.reply
        except Exception:  # a bug of the emulator must be seen by the test that met it
            traceback.print_exc(file=sys.stderr)
            return Reply(500, traceback.format_exc().encode(), {"Content-Type": "text/plain"})

    def _log(self, call: Call, status: int, records: int, fault: Fault | None) -> None:
        if self._system == "admin":
            return
        path = f"{call.path}?{call.query}" if call.query else call.path
        body = call.body.decode(errors="replace") if self._around.keep_bodies else None
        mode = None if fault is None else fault.mode
        at, by, id_ = self._around.clock.now(), call.by, call.id
        entry = Request(at, self._system, call.method, path, status, records, by, id_, mode, body)
        self._around.journal.requests.append(entry)


def _call(scope: Message, id_: str) -> Call:
    headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    scheme = scope.get("scheme", "http")
    return Call(scope["method"], path, query, headers, b"", id_, segments_of(path), scheme=scheme)


def _copy(call: Call) -> Call:
    return Call(
        call.method, call.path, call.query, dict(call.headers), call.body, call.id, list(call.segments),
        scheme=call.scheme,
    )  # fmt: skip


class _Gone(Exception):
    """The client went away before it had sent its request."""


async def _read_body(call: Call, receive: Receive) -> Reply | None:
    """Read what belongs to a call; the answer to one that cannot be read. Raises _Gone."""
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        chunk: bytes = message.get("body", b"")
        size, more = size + len(chunk), bool(message.get("more_body"))
        if size <= LARGEST_BODY:  # the rest is read and let go, so that the client gets its answer
            chunks.append(chunk)
    if size > LARGEST_BODY:
        return _unreadable(413, "request entity too large")
    call.body = b"".join(chunks)
    if call.headers.get("content-encoding") != "gzip" or not call.body:
        return None
    unpacker = zlib.decompressobj(31)
    try:
        call.body = unpacker.decompress(call.body, LARGEST_BODY)
    except zlib.error:
        return _unreadable(400, "the request body is not gzip")
    if unpacker.unconsumed_tail:
        return _unreadable(413, "request entity too large")
    return None if unpacker.eof else _unreadable(400, "the request body is not gzip")


def _unreadable(status: int, text: str) -> Reply:
    return Reply(
        status, f"<h1>{status}</h1><p>{text}</p>".encode(), {"Content-Type": "text/html", "Connection": "close"}
    )


def _planned_reply(fault: Fault) -> Reply:
    body = fault.content()
    kind = JSON_TYPE if body[:1] in (b"{", b"[") else "text/html;charset=UTF-8"
    return Reply(fault.status, body, {"Content-Type": kind, **fault.headers})
