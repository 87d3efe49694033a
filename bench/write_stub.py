"""Both CRMs as far as writing goes, over loopback HTTP: every change succeeds, each answer comes after a fixed wait.

python -m bench.write_stub [LATENCY_MS]      prints one JSON line when ready, serves until SIGTERM
"""

from __future__ import annotations

import asyncio
import sys
from email.utils import formatdate
from typing import Any, cast

import orjson
import uvloop

_DONE = b'"success":true,"errors":[]}'


def answer(path: str, body: bytes) -> bytes:
    """What the vendor says to a call in which every row succeeds."""
    if "oauth2" in path:
        return b'{"access_token":"bench","token_type":"Bearer"}'
    content = orjson.loads(body)
    if path.endswith("/composite"):
        parts = [_collected(one["referenceId"], one["body"]["records"]) for one in content["compositeRequest"]]
        return b'{"compositeResponse":[' + b",".join(parts) + b"]}"
    if path.endswith("/composite/sobjects"):
        return _results(content["records"])
    results = [{"id": one["id"], "properties": one["properties"]} for one in content["inputs"]]
    return orjson.dumps({"status": "COMPLETE", "results": results})


def _collected(reference: str, records: list[dict[str, Any]]) -> bytes:
    head = f'{{"httpStatusCode":200,"referenceId":"{reference}","httpHeaders":{{}},"body":'
    return head.encode() + _results(records) + b"}"


def _results(records: list[dict[str, Any]]) -> bytes:
    return b"[" + b",".join(b'{"id":"' + one["id"].encode() + b'",' + _DONE for one in records) + b"]"


class Connection(asyncio.Protocol):
    """One keep-alive connection; an answer is ready after the wait, whatever else is asked meanwhile."""

    def __init__(self, latency: float, counted: list[int]) -> None:
        self._latency, self._counted = latency, counted
        self._buffer = b""
        self._out: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody came."""
        self._out = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take each whole request that is there."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            request, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            whole = end + 4 + int(headers.get("content-length", 0))
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self._take(request.split(" ")[1], body)

    def _take(self, path: str, body: bytes) -> None:
        if path == "/calls":
            self._say(str(self._counted[0]).encode())
            return
        self._counted[0] += 1
        asyncio.get_running_loop().call_later(self._latency, self._say, answer(path, body))

    def _say(self, content: bytes) -> None:
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nSforce-Limit-Info: api-usage=100/100000\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._out.write(head.encode() + content)


async def serve(latency_ms: float) -> None:
    """Say where we are, and answer until we are ended."""
    counted = [0]
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(latency_ms / 1000, counted), "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    print(orjson.dumps({"base_url": address}).decode(), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(float(sys.argv[1]) if len(sys.argv) > 1 else 50.0))
