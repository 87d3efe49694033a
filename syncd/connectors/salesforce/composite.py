"""Several requests in one API call: 25 at most, five of them queries or collections, counted as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from syncd.connectors.salesforce import soql
from syncd.connectors.transport import Transport

MOST_HEAVY = 5
Sub = Mapping[str, Any]


def send(
    transport: Transport,
    base: str,
    subs: Sequence[Sub],
    *,
    headers: Mapping[str, str] | None = None,
    writing: bool = False,
) -> dict[str, Sub]:
    """The answers by reference id; one that is missing was not answered. Raises as any call does."""
    body = {"allOrNone": False, "collateSubrequests": False, "compositeRequest": list(subs)}
    path, sent = f"{base}/composite", headers or {}
    content = transport.json("POST", path, template="composite", body=body, headers=sent, writing=writing)
    answers = content.get("compositeResponse") if isinstance(content, dict) else None
    if not isinstance(answers, list):
        return {}
    return {str(answer.get("referenceId")): answer for answer in answers if isinstance(answer, dict)}


def queries(transport: Transport, base: str, statements: Mapping[str, str]) -> dict[str, Mapping[str, Any]]:
    """The answers of queries, five to a call; one that was refused is left out."""
    found: dict[str, Mapping[str, Any]] = {}
    names = list(statements)
    for start in range(0, len(names), MOST_HEAVY):
        subs = [
            {"method": "GET", "url": f"{base}/query?q={soql.encoded(statements[name])}", "referenceId": name}
            for name in names[start : start + MOST_HEAVY]
        ]
        for name, answer in send(transport, base, subs).items():
            if answer.get("httpStatusCode") == 200 and isinstance(answer.get("body"), dict):
                found[name] = answer["body"]
    return found
