"""hubspot-api-client for configuration calls, on our transport. Its models cost 16 times the CPU, so bodies stay ours.

It is frozen at v3 paths; they are moved to the version that the connection speaks. Imported only at a check, and to
provision.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        """Send a call; whatever else the generated code wants to say about it is ours to decide."""
        path = urlsplit(url).path
        for old, new in self._moved.items():
            if path == old or path.startswith(f"{old}/"):
                path = new + path[len(old) :]
        query, body = urlencode(how.get("fields") or []), how.get("body")
        answer = self._transport.call(
            method, f"{path}?{query}" if query else path, template=f"hubspot-api-client{urlsplit(url).path}",
            body=orjson.loads(body) if body else None, writing=method != "GET",
        )  # fmt: skip
        return SimpleNamespace(status=answer.status, reason="", data=answer.body, headers=answer.headers)


def properties(
    transport: Transport, paths: Paths, object_: str, archived: bool = False
) -> dict[str, Mapping[str, Any]]:
    """The definitions of an object type's properties, by name; `archived` tells of those that are in the bin."""
    api = _api(transport, paths, "core_api")
    return _by_name(api.get_all(object_, archived=archived, _preload_content=False))


def groups(transport: Transport, paths: Paths, object_: str) -> dict[str, Mapping[str, Any]]:
    """The groups that an object type's properties are in, by name."""
    return _by_name(_api(transport, paths, "groups_api").get_all(object_, _preload_content=False))


def make_group(transport: Transport, paths: Paths, object_: str, group: Mapping[str, Any]) -> None:
    """Make a group of properties."""
    _api(transport, paths, "groups_api").create(object_, dict(group), _preload_content=False)


def make_properties(transport: Transport, paths: Paths, object_: str, wanted: Sequence[Mapping[str, Any]]) -> None:
    """Make up to a hundred properties, all or none."""
    inputs = {"inputs": [dict(one) for one in wanted]}
    _api(transport, paths, "batch_api").create(object_, inputs, _preload_content=False)


def change_property(transport: Transport, paths: Paths, object_: str, name: str, changes: Mapping[str, Any]) -> None:
    """Change what is said of a property; what is not said stays."""
    _api(transport, paths, "core_api").update(object_, name, dict(changes), _preload_content=False)


def _api(transport: Transport, paths: Paths, name: str) -> Any:
    """One of the client's interfaces to properties, on our transport."""
    from hubspot import HubSpot

    scheme, host, port = transport.wire.scheme, transport.wire.host, transport.wire.port
    api = getattr(HubSpot(access_token=_HELD, host=f"{scheme}://{host}:{port}").crm.properties, name)
    # releases before 12 ignore `host` in silence and ask production
    assert api.api_client.configuration.host == f"{scheme}://{host}:{port}"
    api.api_client.rest_client.pool_manager = _OnTransport(transport, paths)
    return api


def _by_name(answer: Any) -> dict[str, Mapping[str, Any]]:
    content = orjson.loads(answer.data)
    return {str(one["name"]): one for one in content.get("results") or ()}
