"""A small PRM over real HTTP, as its maker might have built it: deals and companies, several ways of paging, faults."""

from __future__ import annotations

import base64
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncd.model import Clock

TOKEN, KEY, USER, PASSWORD, CLIENT, SECRET = "tok-1", "key-1", "syncd", "pass word", "app-1", "app-secret"
Company = dict[str, Any]


class Cut(Response):
    """An answer whose connection ends in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


@dataclass
class Fault:
    """What happens to a request whose method and path fit, after `skip` that pass. `status` 0 cuts the answer."""

    method: str
    path: str
    status: int = 0
    body: Any = None
    skip: int = 0
    applied: bool = False
    headers: dict[str, str] = field(default_factory=dict)


class Prm:
    """The system itself. What tests do to it is done here, past the API."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.companies: dict[str, Company] = {}
        self.requests: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.faults: list[Fault] = []
        self.more, self.tokens = 0, {TOKEN}
        self.poisoned = ""
        self.url = ""

    def stamp(self) -> str:
        """The present, as the API writes it."""
        return self.clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")

    def add(self, **fields: Any) -> str:
        """A new company."""
        id_ = f"c-{len(self.companies) + 1:06}"
        made = {
            "id": id_,
            "info": {"name": None},
            "syncd": None,
            "external_id": None,
            "region": None,
            "archived": False,
        }
        self.companies[id_] = {**made, "updated_at": self.stamp(), **fields}
        return id_

    def edit(self, id_: str, **fields: Any) -> None:
        """A person edits a company."""
        self.companies[id_] |= {**fields, "updated_at": self.stamp()}

    # --- the API

    def chosen(self, request: Request) -> list[Company]:
        """What a list is asked for, in the order of ids."""
        found = sorted(self.companies.values(), key=lambda one: str(one["id"]))
        if since := request.query_params.get("modified_since"):
            moment = datetime.fromisoformat(since)
            found = [one for one in found if datetime.fromisoformat(one["updated_at"]) > moment]
        if names := request.query_params.getlist("name"):
            found = [one for one in found if one["info"]["name"] in names]
        return [one for one in found if not (request.query_params.get("live") and one["archived"])]

    async def by_page(self, request: Request) -> Response:
        found, number, size = self.chosen(request), int(request.query_params["page"]), _size(request)
        some = found[(number - 1) * size : number * size]
        return JSONResponse({"data": some, "meta": {"total": len(found) + self.more}})

    async def by_offset(self, request: Request) -> Response:
        found, start = self.chosen(request), int(request.query_params["offset"])
        return JSONResponse({"data": found[start : start + _size(request)], "meta": {"total": len(found) + self.more}})

    async def by_cursor(self, request: Request) -> Response:
        found, after = self.chosen(request), request.query_params.get("cursor")
        rest = [one for one in found if after is None or one["id"] > after]
        some = rest[: _size(request)]
        following = some[-1]["id"] if len(rest) > len(some) else None
        return JSONResponse({"data": some, "meta": {"total": len(found) + self.more, "next": following}})

    async def by_link(self, request: Request) -> Response:
        found, start = self.chosen(request), int(request.query_params.get("from", 0))
        size = _size(request)
        url = request.url.include_query_params(**{"from": start + size})
        links = {"next": f"{url.path}?{url.query}"} if start + size < len(found) else {}
        headers = {"Link": f'<{self.url}{links["next"]}>; rel="next"'} if links else {}
        content = {"data": found[start : start + size], "links": links, "meta": {"total": len(found) + self.more}}
        return JSONResponse(content, headers=headers)

    async def read(self, request: Request) -> Response:
        one = self.companies.get(request.path_params["id"])
        return JSONResponse({"data": one}) if one else JSONResponse({"code": "not_found"}, 404)

    async def update(self, request: Request) -> Response:
        content = await request.json()
        self.bodies.append(content)
        code = self._change(request.path_params["id"], content)
        return JSONResponse({"code": code, "message": "No."}, 422) if code else JSONResponse({"ok": True})

    async def update_many(self, request: Request) -> Response:
        content = await request.json()
        self.bodies.append(content)
        if any(one["id"] == self.poisoned for one in content["updates"]):
            return JSONResponse({"code": "bad_batch", "message": "One is bad."}, 400)
        outcomes = [(one["id"], self._change(one["id"], one["values"])) for one in content["updates"]]
        return JSONResponse({"results": [{"id": id_, "error": code, "message": "No."} for id_, code in outcomes]}, 207)

    async def make(self, request: Request) -> Response:
        content, key = await request.json(), request.path_params["key"]
        found = next((id_ for id_, one in self.companies.items() if one["external_id"] == key), None)
        if any(name not in ("syncd", "external_id") for name in content):
            return JSONResponse({"code": "bad_field"}, 422)
        id_ = found or self.add(external_id=key)
        self._change(id_, content)
        return JSONResponse({"id": id_}, 200 if found else 201)

    async def me(self, request: Request) -> Response:
        return JSONResponse({"account": {"id": "Acme 42"}})

    async def token(self, request: Request) -> Response:
        form = dict(parse_qsl((await request.body()).decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return JSONResponse({"error": "invalid_client"}, 401)
        token = f"oauth-{len(self.tokens)}"
        self.tokens.add(token)
        return JSONResponse({"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _change(self, id_: str, fields: dict[str, Any]) -> str:
        if id_ not in self.companies:
            return "not_found"
        if fields.get("region") == "forbidden":
            return "invalid_region"
        self.edit(id_, **fields)
        return ""

    # --- what stands before it

    def lets_in(self, request: Request) -> bool:
        """Whether a request is signed in, in any of the ways."""
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        said = request.headers.get("authorization", "")
        bearer = said.startswith("Bearer ") and said.removeprefix("Bearer ") in self.tokens
        return bearer or said == basic or request.headers.get("x-api-key") == KEY or request.url.path == "/oauth/token"

    def fault(self, request: Request) -> Fault | None:
        """The fault that strikes this request."""
        for fault in self.faults:
            if fault.method == request.method and request.url.path.startswith(fault.path):
                if fault.skip:
                    fault.skip -= 1
                    return None
                self.faults.remove(fault)
                return fault
        return None

    def app(self) -> Any:
        """The whole of it as ASGI."""
        inner = Starlette(
            routes=[
                Route("/oauth/token", self.token, methods=["POST"]),
                Route("/api/me", self.me),
                Route("/api/companies/batch", self.update_many, methods=["POST"]),
                Route("/api/companies/by/external_id/{key}", self.make, methods=["PUT"]),
                Route("/api/companies/page", self.by_page),
                Route("/api/companies/offset", self.by_offset),
                Route("/api/companies/cursor", self.by_cursor),
                Route("/api/companies/link", self.by_link),
                Route("/api/companies/{id}", self.read, methods=["GET"]),
                Route("/api/companies/{id}", self.update, methods=["PATCH"]),
            ]
        )

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            request = Request(scope, receive)
            self.requests.append(
                (request.method, request.url.path + (f"?{request.url.query}" if request.url.query else ""))
            )
            self.headers.append(dict(request.headers))

            async def dated(message: Any) -> None:
                if message["type"] == "http.response.start":
                    date = format_datetime(self.clock.now().replace(microsecond=0), usegmt=True)
                    message["headers"] = [*message["headers"], (b"date", date.encode())]
                await send(message)

            if not self.lets_in(request):
                await JSONResponse({"code": "unauthorized"}, 401)(scope, receive, dated)
                return
            fault = self.fault(request)
            if fault is None or fault.applied:
                await inner(scope, receive, _swallow if fault else dated)
            if fault is not None:
                said = JSONResponse(fault.body, fault.status, fault.headers) if fault.status else Cut()
                await said(scope, receive, dated)

        return app


class PrmServer:
    """Serves one PRM at a time at one address: starting a server for each test would cost more than the test."""

    def __init__(self) -> None:
        self.url = ""
        self._app: Any = None

    def show(self, prm: Prm) -> None:
        """This one from now on."""
        prm.url, self._app = self.url, prm.app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


@contextmanager
def serving() -> Iterator[PrmServer]:
    """A server on a free port."""
    server = PrmServer()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(128)
        server.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(server, log_level="critical", lifespan="off", date_header=False, access_log=False)
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            running.should_exit = True
            thread.join(10)


async def _swallow(message: Any) -> None:
    """What was done is done; nobody is told."""


def _size(request: Request) -> int:
    return min(int(request.query_params.get("limit", 100)), 100)
