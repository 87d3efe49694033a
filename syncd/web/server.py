"""The server: /livez, /readyz, /status and /metrics, and webhooks in; a thread beside the work."""

from __future__ import annotations

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
import structlog
import uvicorn
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.errors import UserError
from syncd.jobs.daemon import Daemon
from syncd.jobs.health import Health, health
from syncd.jobs.work import Work
from syncd.settings import Address, Settings
from syncd.web.metrics import Meter, Standing
from syncd.web.webhooks import MOST_BYTES, Gate, Message, Refused

log = structlog.get_logger("syncd")


@dataclass(frozen=True, slots=True)
class Hints:
    """How the daemon is reached from outside. `alive` asks whether its loop still turns, `hurry` that it pulls soon.

    `gates` are the webhooks that are let in, by connection, each with the URL that its sender knows.
    """

    alive: Callable[[], bool] = lambda: True
    hurry: Callable[[str], None] = lambda connection: None
    gates: Mapping[str, tuple[Gate, str]] = field(default_factory=dict)


def hints_of(settings: Settings, work: Work, daemon: Daemon) -> Hints:
    """What the server may tell this daemon, as the settings say. A webhook waits until its connection is bound."""
    gates = {
        name: (Gate(one.webhook.secret.reveal(), partial(_portal, work, name)), one.webhook.url)
        for name, one in settings.connections.items()
        if one.webhook is not None
    }
    return Hints(daemon.alive, daemon.hurry, gates)


def _portal(work: Work, name: str) -> str:
    """The portal that a connection is bound to; empty as long as it is not."""
    return next((side.uid for side in work.sides if side.name == name), "").removeprefix("hubspot-")


class Probes:
    """The answers, each from the state as it is when it is asked."""

    def __init__(self, work: Work, hints: Hints) -> None:
        self._work, self._hints = work, hints
        self._registry = CollectorRegistry()
        self._registry.register(Standing(work))
        meter = Meter(self._registry)
        work.watchers.append(meter.watch(work.clock.now))

    @property
    def routes(self) -> list[Route]:
        """Where the answers are."""
        return [
            Route("/livez", self.livez),
            Route("/readyz", self.readyz),
            Route("/status", self.status),
            Route("/metrics", self.metrics),
            Route("/webhooks/{connection}", self.webhook, methods=["POST"]),
        ]

    async def livez(self, request: Request) -> Response:
        """200 as long as the loop turns; restarting helps when it does not, and only then."""
        alive = self._hints.alive()
        return _json({"alive": alive}, 200 if alive else 503)

    async def readyz(self, request: Request) -> Response:
        """200 when every connection is fresh, else 503 with a word for each."""
        found = await run_in_threadpool(health, self._work)
        words = {one.name: one.word.value for one in found.connections}
        return _json({"ready": found.ready, "daemon": found.daemon or None, "connections": words}, _code(found))

    async def status(self, request: Request) -> Response:
        """Everything that is known of the health."""
        return _json((await run_in_threadpool(health, self._work)).as_json(), 200)

    async def metrics(self, request: Request) -> Response:
        """Metrics in Prometheus' text format."""
        return Response(await run_in_threadpool(generate_latest, self._registry), media_type=CONTENT_TYPE_LATEST)

    async def webhook(self, request: Request) -> Response:
        """A hint that something has changed. What is not signed as it should be gets a bare 401."""
        name = request.path_params["connection"]
        found = self._hints.gates.get(name)
        if found is None:
            return Response(status_code=404)
        gate, url = found
        body = await _body(request)
        if body is None:
            return Response(status_code=413)
        message = Message(
            request.method, url, body, request.headers.get("X-HubSpot-Signature-v3", ""),
            request.headers.get("X-HubSpot-Request-Timestamp", ""),
        )  # fmt: skip
        try:
            events = gate.events(message, self._work.clock.now())
        except Refused as refused:
            log.warning("webhook_refused", connection=name, why=str(refused))
            return Response(status_code=401)
        if events:
            self._hints.hurry(name)
        return Response(status_code=204)


async def _body(request: Request) -> bytes | None:
    """The body as it came; None when there is more of it than may be."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _code(found: Health) -> int:
    return 200 if found.ready else 503


def _json(content: Any, code: int) -> Response:
    return Response(orjson.dumps(content), code, media_type="application/json", headers={"Cache-Control": "no-store"})


class _Guard:
    """No page of ours is to be guessed at, framed or kept."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-content-type-options", b"nosniff")]
            await send(message)

        await self._app(scope, receive, guarded)


@contextmanager
def serving(work: Work, listen: Address, hints: Hints | None = None) -> Iterator[str]:
    """Serve while the context lasts; yields the base URL. Raises UserError when the address cannot be had."""
    bound = _bind(listen)
    app = _Guard(Starlette(routes=Probes(work, hints or Hints()).routes))
    server = uvicorn.Server(
        uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, ws="none", server_header=False, proxy_headers=False,
            timeout_keep_alive=10, timeout_graceful_shutdown=2, limit_concurrency=100,
        )
    )  # fmt: skip
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, name="web", daemon=True)
    thread.start()
    host, port = bound.getsockname()[:2]
    try:
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        bound.close()


def _bind(listen: Address) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in listen.host else socket.AF_INET, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((listen.host, listen.port))
        bound.listen(128)
    except OSError as error:
        bound.close()
        raise UserError(
            f"server.listen: cannot listen on {listen} ({error.strerror}). Is another syncd running? "
            "Give it another port."
        ) from None
    return bound
