"""Serves an emulator over real HTTP: in background threads for tests, or until a signal for people."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.emulator.emulator import Emulator
from syncd.emulator.http import HttpApp

Endpoints = dict[str, dict[str, str]]


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way for the fault plan to cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {"syncd.abort": self.transport.abort}
        self.scope["extensions"] = extensions


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready."""

    def __init__(self, app: HttpApp, ready: Callable[[], None]) -> None:
        config = uvicorn.Config(
            app, http=_Protocol, lifespan="off", log_config=None, log_level="critical", access_log=False, ws="none",
            date_header=False, server_header=False, timeout_keep_alive=60, timeout_graceful_shutdown=1,
        )  # fmt: skip
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self._ready()


class Running:
    """Servers in one background thread; `close` stops them."""

    def __init__(self, apps: dict[str, HttpApp], addresses: dict[str, str]) -> None:
        for address in addresses.values():
            _place(address)  # before anything is bound
        self._sockets = {name: _bind(addresses[name]) for name in apps}
        self.urls = {name: _url(bound) for name, bound in self._sockets.items()}
        started = threading.Semaphore(0)
        self._servers = {name: _Server(app, started.release) for name, app in apps.items()}
        self._thread = threading.Thread(target=self._run, name="syncd-emulator", daemon=True)
        self._thread.start()
        for _ in apps:
            if not started.acquire(timeout=30):
                raise RuntimeError("the emulator did not start within 30 s")

    def _run(self) -> None:
        loop = _new_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve())
        finally:
            loop.close()

    async def _serve(self) -> None:
        serving: list[Coroutine[Any, Any, None]] = [
            server.serve(sockets=[self._sockets[name]]) for name, server in self._servers.items()
        ]
        await asyncio.gather(*serving)

    def close(self) -> None:
        """Stop serving and wait for the end."""
        for server in self._servers.values():
            server.should_exit = True
        self._thread.join(timeout=10)


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{address!r} is no address")
    return host, int(port)


def _bind(address: str) -> socket.socket:
    host, port = _place(address)
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host.strip("[]") or "127.0.0.1", port))
    except OSError:
        bound.close()
        raise
    return bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def serving(emulator: Emulator, salesforce: str, hubspot: str, admin: str) -> Iterator[Endpoints]:
    """Serve in the background while the context lasts; yields the endpoints with their tokens."""
    running = Running(emulator.apps(), {"salesforce": salesforce, "hubspot": hubspot, "admin": admin})
    try:
        yield emulator.endpoints(running.urls)
    finally:
        running.close()


def serve_forever(
    salesforce: str, hubspot: str, data: Path | None = None, admin: str = "127.0.0.1:0", seed: int = 0
) -> int:
    """Serve until SIGTERM or SIGINT; prints one line of JSON with the endpoints when ready; returns the exit code."""
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    emulator = Emulator.empty(seed=seed) if data is None else Emulator.load(data, seed=seed)
    try:
        with serving(emulator, salesforce, hubspot, admin) as endpoints:
            sys.stdout.write(orjson.dumps(endpoints).decode() + "\n")
            sys.stdout.flush()
            while not stop.wait(timeout=3600):
                pass
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0
