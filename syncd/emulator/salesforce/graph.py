"""/composite/graph: several chains of requests in one call, each of them atomic on its own."""

from __future__ import annotations

import re
from typing import Any

from syncd.emulator.http import Call, Reply
from syncd.emulator.salesforce.composite import Composite, Sub, halted, subrequests
from syncd.emulator.salesforce.errors import refused
from syncd.emulator.salesforce.rows import json_object

MOST_GRAPHS, MOST_NODES, MOST_DEPTH, MOST_KINDS, MOST_FAILURES = 75, 500, 15, 15, 14
_NODE = re.compile(r"/services/data/(v[\d.]+)/sobjects/(\w+)(/.*)?", re.IGNORECASE)
_REFERENCE = re.compile(r"@\{(\w+)[.\[]")
_METHODS = {"POST", "PATCH", "GET", "DELETE"}


class Graphs:
    """The graph resource."""

    def __init__(self, composite: Composite) -> None:
        self._composite = composite

    def run(self, call: Call) -> Reply:
        """POST /composite/graph"""
        graphs = _graphs(json_object(call))
        answers: list[dict[str, Any]] = []
        for id_, subs in graphs.items():
            failures = sum(1 for one in answers if not one["isSuccessful"])
            answers.append(_unrun(id_, subs) if failures >= MOST_FAILURES else self._one(call, id_, subs))
        return Reply.json({"graphs": answers}, records=sum(len(subs) for subs in graphs.values()))

    def _one(self, call: Call, id_: str, subs: list[Sub]) -> dict[str, Any]:
        chain = self._composite.chain(call, all_or_none=True)
        good = chain.run(subs)
        return {"graphId": id_, "graphResponse": {"compositeResponse": chain.answers}, "isSuccessful": good}


def _unrun(id_: str, subs: list[Sub]) -> dict[str, Any]:
    body = [{"errorCode": "PROCESSING_HALTED", "message": "Too many graphs of this request failed."}]
    answers = [
        {"body": body, "httpHeaders": {}, "httpStatusCode": halted().status, "referenceId": sub["referenceId"]}
        for sub in subs
    ]
    return {"graphId": id_, "graphResponse": {"compositeResponse": answers}, "isSuccessful": False}


def _graphs(body: dict[str, Any]) -> dict[str, list[Sub]]:
    given = body.get("graphs")
    if not isinstance(given, list) or not all(isinstance(one, dict) and "graphId" in one for one in given):
        raise refused(400, "JSON_PARSER_ERROR", "graphs: a list of graphs with graphId is required")
    if len(given) > MOST_GRAPHS:
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of {MOST_GRAPHS} graphs exceeded")
    graphs = {str(one["graphId"]): subrequests(one, MOST_NODES) for one in given}
    if len(graphs) < len(given):
        raise refused(400, "JSON_PARSER_ERROR", "Duplicate graph ID")
    _check_size(graphs)
    return graphs


def _check_size(graphs: dict[str, list[Sub]]) -> None:
    nodes = [sub for subs in graphs.values() for sub in subs]
    if len(nodes) > MOST_NODES:
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of {MOST_NODES} nodes exceeded")
    if len({_kind(sub) for sub in nodes}) > MOST_KINDS:
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of {MOST_KINDS} different nodes exceeded")
    if any(_depth(subs) > MOST_DEPTH for subs in graphs.values()):
        raise refused(400, "LIMIT_EXCEEDED", f"Limit of depth {MOST_DEPTH} exceeded")


def _kind(sub: Sub) -> tuple[str, str]:
    match = _NODE.fullmatch(str(sub["url"]).partition("?")[0])
    if match is None or str(sub["method"]).upper() not in _METHODS:
        raise refused(400, "JSON_PARSER_ERROR", f"a graph cannot hold {sub['method']} {sub['url']}")
    return match[1].lower(), match[2].lower()


def _depth(subs: list[Sub]) -> int:
    depths: dict[str, int] = {}
    for sub in subs:
        used = set(_REFERENCE.findall(f"{sub['url']} {sub.get('body')}"))
        depths[sub["referenceId"]] = 1 + max((depths.get(one, 0) for one in used), default=0)
    return max(depths.values())
