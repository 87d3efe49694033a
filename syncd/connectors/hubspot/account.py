"""Which portal it is that answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncd.connectors.hubspot.paths import Paths
from syncd.connectors.transport import Transport
from syncd.errors import Stop

_DETAILS = ("accountType", "timeZone", "companyCurrency", "uiDomain", "dataHostingLocation")


def account(transport: Transport, paths: Paths) -> Mapping[str, Any]:
    """Which portal it is. Its id is the connection's fingerprint."""
    content = transport.json("GET", paths.account, template="account-info")
    portal = content.get("portalId") if isinstance(content, dict) else None
    if not str(portal or "").isdigit():
        raise Stop("HubSpot did not say which portal it is; nothing can be bound to this connection.")
    return {"portal_id": str(portal), **{k: content[k] for k in _DETAILS if content.get(k) is not None}}
