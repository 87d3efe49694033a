"""A peer that says exactly what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson


@dataclass(frozen=True)
class Say:
    """One answer. `cut`: the connection ends after so many bytes of the body. `mute`: it ends before any answer."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    mute: bool = False
    pack: bool = False
    drip: float = 0.0

    def raw(self) -> bytes:
        """The body as bytes."""
        plain = self.body if isinstance(self.body, bytes) else b"" if self.body is None else orjson.dumps(self.body)
        return gzip.compress(plain) if self.pack else plain


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


class Stub:
    """Answers by the first rule whose method and path prefix fit; a rule with several answers gives them in turn."""

    def __init__(self) -> None:
        self.rules: list[tuple[str, str, list[Say]]] = []
        self.asked: list[Asked] = []
        self.url = ""
        self.released = threading.Event()

    def on(self, request: str, *answers: Say) -> None:
        """`GET /path`: what to answer; the last answer stays."""
        method, _, prefix = request.partition(" ")
        self.rules.append((method, prefix, list(answers)))

    def answer(self, method: str, path: str) -> Say:
        """What to say now."""
        for known, prefix, answers in self.rules:
            if known == method and path.startswith(prefix):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        return Say(404, {"message": f"stub knows no {method} {path}"})

    def paths(self, prefix: str = "") -> Sequence[str]:
        """Method and path of each request that begins with the prefix."""
        return [f"{a.method} {a.path.partition('?')[0]}" for a in self.asked if a.path.startswith(prefix)]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body go out apart, and would wait for each other

    def _serve(self) -> None:
        stub: Stub = self.server.stub  # type: ignore[attr-defined]
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = orjson.loads(raw) if raw else None
        except orjson.JSONDecodeError:
            body = raw.decode()
        stub.asked.append(Asked(self.command, self.path, dict(self.headers), body))
        say = stub.answer(self.command, self.path)
        if say.mute:
            self.close_connection = True
            return
        content = say.raw()
        self.send_response_only(say.status)
        for name, value in {"Content-Type": "application/json", **say.headers}.items():
            self.send_header(name, value)
        if say.pack:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self._write(content, say, stub)

    def _write(self, content: bytes, say: Say, stub: Stub) -> None:
        if say.drip:
            for byte in content:
                if stub.released.wait(say.drip):
                    break
                self.wfile.write(bytes([byte]))
            self.close_connection = True
            return
        self.wfile.write(content if say.cut is None else content[: say.cut])
        self.close_connection = say.cut is not None

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is what some tests are about."""


@contextmanager
def stubbed() -> Iterator[Stub]:
    """A stub on a free port."""
    stub = Stub()
    server = _Server(("127.0.0.1", 0), _Handler)
    server.stub = stub  # type: ignore[attr-defined]
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield stub
    finally:
        stub.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
