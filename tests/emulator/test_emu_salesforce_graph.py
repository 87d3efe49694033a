"""Composite graphs: several atomic chains in one call."""

from __future__ import annotations

from typing import Any

import requests

from .conftest import ACME, BETA, Served

V = "/services/data/v68.0"


def node(reference: str, url: str, method: str = "POST", **body: Any) -> dict[str, Any]:
    return {"referenceId": reference, "method": method, "url": f"{V}/sobjects/{url}", "body": body}


def graph(id_: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return {"graphId": id_, "compositeRequest": list(nodes)}


def post(served: Served, *graphs: dict[str, Any]) -> requests.Response:
    return served.sf.post("composite/graph", {"graphs": list(graphs)})


def names(served: Served) -> set[str]:
    return {one["Name"] for one in served.emu.salesforce.rows("Account")}


def test_sf_graphs_are_atomic_each_on_its_own(fresh: Served) -> None:
    answer = post(
        fresh,
        graph("good", node("a", "Account", Name="Parent"), node("b", "Account", Name="Child", ParentId="@{a.id}")),
        graph("bad", node("a", "Account", Name="Lost"), node("b", f"Account/{BETA}", "PATCH", Nonsense__c=1)),
    )
    good, bad = answer.json()["graphs"]
    assert (answer.status_code, good["isSuccessful"], bad["isSuccessful"]) == (200, True, False)
    assert [one["httpStatusCode"] for one in good["graphResponse"]["compositeResponse"]] == [201, 201]
    halted, wrong = bad["graphResponse"]["compositeResponse"]
    assert (halted["httpStatusCode"], halted["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert wrong["body"][0]["errorCode"] == "INVALID_FIELD"
    assert {"Parent", "Child"} <= names(fresh)
    assert "Lost" not in names(fresh)
    assert {one.after for one in fresh.emu.changes if one.field == "Name"} == {"Parent", "Child"}
    assert fresh.emu.salesforce.calls_used() == 1


def test_sf_graph_after_fourteen_failures_nothing_is_run(fresh: Served) -> None:
    failing = [graph(f"f{number}", node("a", "Account")) for number in range(14)]
    answer = post(fresh, *failing, graph("last", node("a", "Account", Name="Last"))).json()["graphs"]
    assert [one["isSuccessful"] for one in answer] == [False] * 15
    (last,) = answer[14]["graphResponse"]["compositeResponse"]
    assert (last["httpStatusCode"], last["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert "Last" not in names(fresh)
    assert post(fresh, *failing[:13], graph("last", node("a", "Account", Name="Last"))).json()["graphs"][13][
        "isSuccessful"
    ]


def test_sf_graph_limits(fresh: Served) -> None:
    one = node("a", "Account", Name="x")
    chain = [one] + [
        node(f"n{depth}", "Account", Name="x", ParentId="@{%s.id}" % ("a" if depth == 1 else f"n{depth - 1}"))
        for depth in range(1, 16)
    ]
    kinds = [node(f"k{number}", f"Kind{number}__c", Name="x") for number in range(16)]
    too_much = [
        [graph(str(number), one) for number in range(76)],
        [graph(str(number), *[node(f"r{row}", "Account", Name="x") for row in range(251)]) for number in range(2)],
        [graph("deep", *chain)],
        [graph("wide", *kinds)],
    ]
    for graphs in too_much:
        answer = post(fresh, *graphs)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    assert post(fresh, graph("deep", *chain[:15])).json()["graphs"][0]["isSuccessful"]


def test_sf_graph_holds_rows_only(fresh: Served) -> None:
    query = {"referenceId": "q", "method": "GET", "url": f"{V}/query?q=SELECT+Id+FROM+Account"}
    for graphs in ([graph("a", query)], [graph("a", node("x", f"Account/{ACME}", "PUT"))], [{}],
                   [graph("a", node("x", "Account", Name="x"))] * 2):  # fmt: skip
        assert post(fresh, *graphs).status_code == 400
