"""Small guards of the connectors, each with the harm that it keeps away."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.files.client import FilesConnector
from syncd.errors import IncompleteRead, UserError
from syncd.model import ReadSpec, Stream
from syncd.settings import FilesSource

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_hubspot import DEALS, OBJECTS, deal, stub_connector
from .worlds_salesforce import on_stub

ID = "0015g00000abcDEAAY"


@pytest.mark.parametrize("make", [on_stub, stub_connector], ids=["salesforce", "hubspot"])
def test_a_window_never_ends_within_a_second(stub: Stub, clock: FakeClock, make: Callable[..., Any]) -> None:
    """F01, F05. Stamps of whole seconds: what happens later in that second would pass for read."""
    date = {"Date": format_datetime(START, usegmt=True)}
    stub.on("GET /services/data", Say(body=[{"version": "68.0"}], headers=date))
    stub.on("GET /account-info/", Say(body={"portalId": 7, "timeZone": "Europe/London"}, headers=date))
    connector = make(stub, clock)
    assert connector.now() == START
    clock.wait(1.7)
    assert connector.now() == START + timedelta(seconds=1)


def test_a_refusal_among_archived_records_is_no_end(stub: Stub, clock: FakeClock) -> None:
    """F10, F44."""
    more = {"paging": {"next": {"after": "1"}}}
    stub.on(
        f"GET {OBJECTS}?",
        Say(body={"results": []}),
        Say(body={"results": [{**deal(1), "archived": True}], **more}),
        Say(400, {"category": "VALIDATION_ERROR"}),
    )
    with pytest.raises(UserError):
        list(stub_connector(stub, clock).sweep(DEALS))


@pytest.mark.parametrize("told", ["2\n", "0"])
def test_an_export_that_holds_another_number_than_its_done_file_says_is_not_taken_in(tmp_path: Path, told: str) -> None:
    """F09, F33."""
    clock = FakeClock()
    for name, content in (("acc.csv", f"Account ID,Account Name\n{ID},Acme\n"), ("acc.csv.done", told)):
        (tmp_path / name).write_text(content)
        os.utime(tmp_path / name, (START.timestamp(), START.timestamp()))
    source = FilesSource(
        account="acme", system="salesforce", folder=tmp_path, ready="done", objects={"Account": {"files": "acc*.csv"}}
    )
    connector = FilesConnector(source, clock)
    spec = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))
    with pytest.raises(IncompleteRead, match=r"holds 1 records where its \.done file says"):
        list(connector.sweep(spec))
    (tmp_path / "acc.csv.done").write_text("1")
    assert [row.id for page in connector.sweep(spec) for row in page.rows] == [ID]
