"""Who a HubSpot token is and what it may do."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Literal

from syncd.emulator.http import Call
from syncd.emulator.hubspot.errors import refused

Access = Literal["read", "write"]
_HELP = "https://developers.hubspot.com/scopes"


@dataclass(slots=True)
class Tokens:
    """Two private-app tokens that follow from the seed: one that may write and one that may not."""

    seed: int
    access_token: str = ""
    limited_access_token: str = ""
    valid: dict[str, tuple[str, bool]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        source = random.Random(f"hubspot {self.seed}")  # noqa: S311 (a seed, not a secret)
        self.access_token, self.limited_access_token = (
            f"pat-na1-{source.getrandbits(32):08x}-{source.getrandbits(64):016x}" for _ in range(2)
        )
        self.valid = {self.access_token: ("integration", True), self.limited_access_token: ("limited", False)}

    def caller(self, call: Call) -> tuple[str, bool]:
        """The caller's name and whether it may write, or 401. Exactly one space after exactly `Bearer`."""
        header = call.headers.get("authorization", "")
        known = self.valid.get(header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None
        if known is None:
            message = (
                "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find "
                "more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
            )
            raise refused(401, message, "INVALID_AUTHENTICATION", call.id)
        return known


def check_scope(call: Call, may_write: bool, access: Access, kind: str) -> None:
    """403 MISSING_SCOPES for a write by the limited token."""
    if access == "read" or may_write:
        return
    message = (
        "This app hasn't been granted all required scopes to make this call. "
        f"Read more about required scopes here: {_HELP}."
    )
    scopes = [f"crm.objects.{kind}.write", f"crm.schemas.{kind}.write", f"crm.objects.{kind}.sensitive.write.v2",
              f"crm.objects.{kind}.highly_sensitive.write.v2"]  # fmt: skip
    error = {
        "message": "One or more of the following scopes are required.",
        "context": {"requiredGranularScopes": scopes},
    }
    raise refused(403, message, "MISSING_SCOPES", call.id, errors=[error], links={"scopes": _HELP})
