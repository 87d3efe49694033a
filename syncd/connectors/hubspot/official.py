"""hubspot-api-client for configuration calls, on our transport. Its models cost 16 times the CPU, so bodies stay ours.

It is frozen at v3 paths; they are moved to the version that the connection speaks. Imported only at a check.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from syncd.connectors.hubspot.paths import VERSIONS, Paths
from syncd.connectors.transport import Transport

_HELD = "held-by-the-transport"


class _OnTransport:
    """Stands where the generated code has its connection pool."""

    def __init__(self, transport: Transport, paths: Paths) -> None:
        self._transport = transport
        self._moved = {VERSIONS["v3"].properties: paths.properties}

    def request(self, method: str, url: str, **how: Any) -> SimpleNamespace:
        """Send a reading call; whatever else the generated code wants to say about it is ours to decide."""
        path = urlsplit(url).path
        for old, new in self._moved.items():
            if path == old or path.startswith(f"{old}/"):
                path = new + path[len(old) :]
        query = urlencode(how.get("fields") or [])
        answer = self._transport.call(
            method, f"{path}?{query}" if query else path, template=f"hubspot-api-client{urlsplit(url).path}"
        )
        return SimpleNamespace(status=answer.status, reason="", data=answer.body, headers=answer.headers)


def properties(transport: Transport, paths: Paths, object_: str) -> dict[str, Mapping[str, Any]]:
    """The definitions of an object type's properties, by name."""
    from hubspot import HubSpot

    scheme, host, port = transport.wire.scheme, transport.wire.host, transport.wire.port
    api = HubSpot(access_token=_HELD, host=f"{scheme}://{host}:{port}").crm.properties.core_api
    # releases before 12 ignore `host` in silence and ask production
    assert api.api_client.configuration.host == f"{scheme}://{host}:{port}"
    api.api_client.rest_client.pool_manager = _OnTransport(transport, paths)
    content = orjson.loads(api.get_all(object_, _preload_content=False).data)
    return {str(p["name"]): p for p in content.get("results") or ()}
