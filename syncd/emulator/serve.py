"""Serves an emulator over real HTTP or HTTPS: in a background thread for tests, or until a signal for people."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import orjson
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from syncd.emulator.delivery import TRANSPORT
from syncd.emulator.emulator import Emulator, Endpoints
from syncd.emulator.server import HttpApp
from syncd.emulator.tls import throw_away_authority

TICK_SECONDS = 0.25
"""How often a server in the foreground looks for what has fallen due: held requests, webhooks."""


class _Protocol(HttpToolsProtocol):
    """uvicorn's protocol, with a way for the fault plan to write past it and to cut the connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, Any] = {TRANSPORT: self.transport}
        self.scope["extensions"] = extensions


class _Server(uvicorn.Server):
    """A uvicorn server that says when it is ready."""

    def __init__(self, app: HttpApp, ready: Callable[[], None], tls: ssl.SSLContext | None) -> None:
        factory: Any = None if tls is None else lambda config, default: tls
        config = uvicorn.Config(
            app, http=_Protocol, lifespan="off", log_config=None, log_level="critical", access_log=False, ws="none",
            date_header=False, server_header=False, timeout_keep_alive=60, timeout_graceful_shutdown=1,
            proxy_headers=False, ssl_context_factory=factory,
        )  # fmt: skip
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start listening, then say so."""
        await super().startup(sockets)
        self._ready()


class Running:
    """Servers in one background thread; `close` stops them."""

    def __init__(
        self, apps: Mapping[str, HttpApp], addresses: Mapping[str, str], tls: ssl.SSLContext | None = None
    ) -> None:
        self._sockets = _bound_all({name: addresses[name] for name in apps})
        scheme = "http" if tls is None else "https"
        self.urls = {name: _url(scheme, bound) for name, bound in self._sockets.items()}
        started = threading.Semaphore(0)
        self._servers = {name: _Server(app, started.release, tls) for name, app in apps.items()}
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
            loop.run_until_complete(loop.shutdown_default_executor())
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


# --- addresses


def _place(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"{address!r} is no address")
    return host.strip("[]") or "127.0.0.1", int(port)


def check_addresses(salesforce: str, hubspot: str, admin: str) -> None:
    """Raises ValueError for what is no HOST:PORT, and for an admin API that others could reach."""
    for address in (salesforce, hubspot, admin):
        _place(address)
    if not _is_loopback(_place(admin)[0]):
        raise ValueError(f"the admin API can do anything to the emulator and listens on loopback only, not on {admin}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _bound_all(addresses: Mapping[str, str]) -> dict[str, socket.socket]:
    with ExitStack() as so_far:
        bound = {name: so_far.enter_context(_bind(name, address)) for name, address in addresses.items()}
        so_far.pop_all()  # all could be had: keep them open
        return bound


def _bind(name: str, address: str) -> socket.socket:
    host, port = _place(address)
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, _why(name, address, error)) from None
    return bound


def _why(name: str, address: str, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"{address} is taken: another program, perhaps another emulator, listens there. End it, or give --{name} "
            "another port; port 0 takes a free one"
        )
    return f"cannot listen on {address} for --{name}: {error.strerror or error}"


def _url(scheme: str, bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


# --- serving


@contextmanager
def serving(emulator: Emulator, salesforce: str, hubspot: str, admin: str, tls: bool = False) -> Iterator[Endpoints]:
    """Serve in the background while the context lasts; yields the endpoints with their tokens.

    With `tls` the base URLs are https and each endpoint has `ca_file`. Raises ValueError for a wrong address and
    OSError for one that cannot be had.
    """
    check_addresses(salesforce, hubspot, admin)
    addresses = {"salesforce": salesforce, "hubspot": hubspot, "admin": admin}
    with ExitStack() as stack:
        hosts = [_place(address)[0] for address in addresses.values()]
        authority = stack.enter_context(throw_away_authority(hosts)) if tls else None
        running = Running(emulator.apps(), addresses, authority.context if authority else None)
        stack.callback(running.close)
        endpoints = emulator.endpoints(running.urls)
        if authority is not None:
            endpoints = {name: {**one, "ca_file": str(authority.ca_file)} for name, one in endpoints.items()}
        yield endpoints


def serve_forever(
    make: Callable[[], Emulator], salesforce: str, hubspot: str, admin: str = "127.0.0.1:0", tls: bool = False
) -> int:
    """Serve until SIGTERM or SIGINT; prints one line of JSON with the endpoints when ready; returns the exit code."""
    check_addresses(salesforce, hubspot, admin)
    for bound in _bound_all({"salesforce": salesforce, "hubspot": hubspot, "admin": admin}).values():
        bound.close()  # a taken port is told before the data are read, which may take long
    emulator = make()
    stop = threading.Event()
    previous = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with serving(emulator, salesforce, hubspot, admin, tls) as endpoints:
            sys.stdout.write(orjson.dumps(endpoints).decode() + "\n")
            sys.stdout.flush()
            while not stop.wait(timeout=TICK_SECONDS):
                emulator.tick()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return 0
