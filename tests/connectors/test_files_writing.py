"""Import files: what Data Loader and HubSpot's import can take, whole or not at all, answered by the next export."""

from __future__ import annotations

import csv
import os
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from syncd.connectors.files.client import FilesConnector
from syncd.connectors.wrappers import ReadOnly
from syncd.errors import Stop, UserError
from syncd.mapping import Mapping, MappingFile
from syncd.model import Edition, ReadSpec, Receipt, ReceiptKind, Ref, Registration, Stream, Window, Write, WriteGroup
from syncd.settings import FilesSource, load

from .contract import rows_of
from .worlds import START, FakeClock
from .worlds_files import FilesWorld, ShakyFolder

ACCOUNT = "0015g00000abcDEAAY"
SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name", "Syncd_Status__c", "Syncd_Count__c"))
CONFIG = Path(__file__).parents[2] / "config"


class Desk:
    """A folder with one export, and what is put down beside it."""

    def __init__(self, folder: Path, system: str, object_: str, export: str, **said: Any) -> None:
        self.clock, self.folder, self.object = FakeClock(), folder, object_
        self.source = FilesSource(
            account="acme", system=system, folder=folder, ready="renamed", objects={object_: {"files": "exp*", **said}}
        )  # type: ignore[arg-type]
        self.shaky = ShakyFolder(self.source)
        self.put("exp-1.csv", export)
        self.connector = FilesConnector(self.source, self.clock, folder=self.shaky)

    def put(self, name: str, content: str) -> None:
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        at = int(self.clock.now().timestamp() * 1_000_000) * 1000
        os.utime(path, ns=(at, at))

    def write(self, *changes: tuple[str, dict[str, Any]]) -> list[Receipt]:
        writes = [
            Write(n, Ref("u", self.object, id_), WriteGroup.STAMP, fields) for n, (id_, fields) in enumerate(changes)
        ]
        return self.connector.write(self.object, writes)

    def files(self) -> list[str]:
        out = self.folder / "out"
        return sorted(os.listdir(out)) if out.exists() else []

    def tables(self) -> list[list[list[str]]]:
        texts = [(self.folder / "out" / name).read_bytes().decode() for name in self.files()]
        return [list(csv.reader(StringIO(text, newline=""))) for text in texts]


@pytest.fixture
def org(tmp_path: Path) -> Desk:
    lines = "".join(f"0015g00000abcD{c},{c},,\n" for c in "EFG")
    return Desk(tmp_path, "salesforce", "Account", f"Account ID,Account Name,Syncd Status,Syncd Count\n{lines}")


def long(letter: str) -> str:
    return {"E": "0015g00000abcDEAAY", "F": "0015g00000abcDFAAY", "G": "0015g00000abcDGAAY"}[letter]


def test_data_loader_gets_ids_and_api_names_in_plain_utf8(org: Desk) -> None:
    """F66. #N/A empties a field; a cell is never empty, because that would leave the field alone, or empty it."""
    receipts = org.write(
        (long("E"), {"Syncd_Status__c": "protectéd", "Syncd_Count__c": 2}),
        (long("F"), {"Syncd_Status__c": None, "Syncd_Count__c": 0}),
        (long("G"), {"Syncd_Status__c": "ended"}),
    )
    assert [receipt.code for receipt in receipts] == ["handed_over"] * 3
    assert org.tables() == [
        [["Id", "Syncd_Status__c", "Syncd_Count__c"], [long("E"), "protectéd", "2"], [long("F"), "#N/A", "0"]],
        [["Id", "Syncd_Status__c"], [long("G"), "ended"]],
    ]
    raw = (org.folder / "out" / org.files()[0]).read_bytes()
    assert raw.startswith(b"Id,")
    assert "protectéd".encode() in raw


def test_hubspot_gets_record_ids_and_what_empties_a_property_in_a_file_of_its_own(tmp_path: Path) -> None:
    """F46, F66. Whether an import empties by an empty cell is not proved, so that a person can look at it apart."""
    desk = Desk(tmp_path, "hubspot", "companies", "Record ID,Company name,syncd_status\n1,A,x\n2,B,y\n")
    desk.write(("1", {"syncd_status": "protected"}), ("2", {"syncd_status": None}))
    assert desk.tables() == [
        [["Record ID", "syncd_status"], ["1", "protected"]],
        [["Record ID", "syncd_status"], ["2", ""]],
    ]
    assert [name.endswith("-clear.csv") for name in desk.files()] == [False, True]


def test_any_other_system_gets_its_own_headers_back(tmp_path: Path) -> None:
    columns = {"Prüf-Status": "syncd_status"}
    desk = Desk(tmp_path, "other", "Deal", "Deal Nr;Prüf-Status\nR-1;\n", id="Deal Nr", columns=columns)
    desk.write(("R-1", {"syncd_status": "approved"}))
    assert desk.tables() == [[["Deal Nr", "Prüf-Status"], ["R-1", "approved"]]]


@pytest.mark.parametrize("text", ["=HYPERLINK(1)", "+1 Partner", "-2+3|cmd", "@sum", "\tx", "'quoted", "Plain"])
def test_no_cell_is_a_formula_and_what_comes_back_is_what_was_meant(org: Desk, text: str) -> None:
    org.write((ACCOUNT, {"Syncd_Status__c": text}))
    ((_, (_, cell)),) = org.tables()
    assert not cell.startswith(("=", "+", "-", "@", "\t"))
    fields = rows_of(list(org.connector.pull(SPEC, Window(None, org.clock.now()))))[ACCOUNT].fields
    assert fields["Syncd_Status__c"] == text
    org.clock.wait(60)
    org.put("exp-2.csv", f'Id,Name,Syncd_Status__c,Syncd_Count__c\n{ACCOUNT},E,"{cell}",\n')
    (row,) = org.connector.fetch(SPEC, [ACCOUNT])
    assert row.fields["Syncd_Status__c"] == text


def test_a_number_that_begins_with_a_minus_stays_a_number(org: Desk) -> None:
    """F73."""
    org.write((ACCOUNT, {"Syncd_Count__c": -3}))
    assert org.tables()[0][1] == [ACCOUNT, "-3"]


def test_a_change_is_handed_over_once_and_again_only_when_a_newer_export_does_not_show_it(tmp_path: Path) -> None:
    """F67, F72. What nobody imported is seen by the next export, and not by time."""
    world = FilesWorld(tmp_path)
    id_ = world.create("Acme")
    connector = world.connector()
    connector.write(world.object, [world.write(id_, "protected")])
    unimported = [path.rename(path.with_suffix(".forgotten")) for path in world.folder.out.glob("*.csv")]
    assert len(unimported) == 1

    def shown(since: Any) -> dict[str, Any]:
        found = rows_of(list(connector.pull(world.spec, Window(since, connector.now()))))
        return {row.id: row.fields[world.stamp] for row in found.values()}

    assert shown(None) == {id_: "protected"}
    assert next(connector.sweep(world.spec)).rows[0].fields[world.stamp] == "protected"
    world.clock.wait(3600)
    world.rename(id_, "Acme Ltd")  # an export that does not show it
    assert shown(START + timedelta(seconds=1)) == {id_: None}
    connector.write(world.object, [world.write(id_, "protected")])
    assert world.shown(id_) == "protected"  # imported now
    world.clock.wait(3600)
    world.rename(id_, "Acme Group")
    assert shown(START + timedelta(seconds=5400)) == {id_: "protected"}


@pytest.mark.parametrize("name", ["exp-2.csv", "exp-1.csv"])
def test_the_same_export_again_answers_that_nothing_was_imported(org: Desk, name: str) -> None:
    """F72. Nothing in it has changed, under a new name or its old one; and so it does not show what was handed over."""
    org.connector.count(SPEC)
    org.write((ACCOUNT, {"Syncd_Status__c": "protected"}))
    org.clock.wait(3600)
    org.put(name, (org.folder / "exp-1.csv").read_text())
    window = Window(START + timedelta(seconds=1), org.clock.now())
    (page,) = org.connector.pull(SPEC, window)
    assert [(row.id, row.fields["Syncd_Status__c"]) for row in page.rows] == [(ACCOUNT, None)]
    org.clock.wait(3600)
    org.put(name, (org.folder / "exp-1.csv").read_text())
    (page,) = org.connector.pull(SPEC, Window(window.upper + timedelta(seconds=1), org.clock.now()))
    assert list(page.rows) == []


def test_nobody_sees_half_a_file(org: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    receipts = org.write((ACCOUNT, {"Syncd_Status__c": "x"}))
    assert [(r.kind, r.code) for r in receipts] == [(ReceiptKind.RETRY, "not_sent")]
    assert [name for name in org.files() if not name.startswith(".")] == []
    monkeypatch.undo()
    assert org.write((ACCOUNT, {"Syncd_Status__c": "x"}))[0].kind is ReceiptKind.APPLIED


def test_an_import_file_of_a_process_that_died_is_known_to_the_next(org: Desk) -> None:
    """F58. The file was put down; whether the receipt was kept is another matter."""
    org.shaky.loses = True
    (lost,) = org.write((ACCOUNT, {"Syncd_Status__c": "x", "Syncd_Count__c": None}))
    assert lost.kind is ReceiptKind.UNKNOWN
    other = FilesConnector(org.source, org.clock)
    (row,) = other.fetch(SPEC, [ACCOUNT])
    assert (row.fields["Syncd_Status__c"], row.fields["Syncd_Count__c"]) == ("x", None)
    org.write((ACCOUNT, {"Syncd_Status__c": "y"}))
    assert len(set(org.files())) == 2
    assert org.connector.fetch(SPEC, [ACCOUNT])[0].fields["Syncd_Status__c"] == "y"


def test_a_record_that_is_gone_and_a_column_that_no_export_has_are_refused(org: Desk) -> None:
    """F69. For good, with the reason; the file holds the others."""
    receipts = org.write(
        ("0015g00000zzzzzAAA", {"Syncd_Status__c": "x"}),
        (ACCOUNT, {"Nope__c": "x"}),
        (long("F"), {"Syncd_Status__c": ["x"]}),
        (long("G"), {"Syncd_Status__c": "x"}),
    )
    assert [r.code for r in receipts] == ["no_record", "no_column", "not_a_value", "handed_over"]
    assert org.tables() == [[["Id", "Syncd_Status__c"], [long("G"), "x"]]]


def test_nothing_is_created_through_a_file(org: Desk) -> None:
    with pytest.raises(UserError, match="Nothing can be created"):
        org.connector.upsert("Account", "Key__c", [])
    assert org.connector.facts.upserts is False


def test_check_says_files_only_and_why(org: Desk) -> None:
    checked = org.connector.check([SPEC], {"Account": ["Syncd_Status__c"]})
    assert (checked.uid, checked.problems, checked.edition) == ("files-acme", (), Edition.FILES_ONLY)
    assert "import file" in checked.edition_reason
    (org.folder / "out").mkdir()
    assert "filter" in checked.access[0].evidence


def test_a_hubspot_export_becomes_a_registration(tmp_path: Path) -> None:
    """The example mapping, as `kind: files` compiles it."""
    export = (
        '"Record ID","Pipeline","Deal Stage","Partner ID","Associated Company IDs","Registration Number","Amount",'
        '"Currency","Close Date","Create Date","Submitted At","Products","Approved At","Protection End","syncd_status",'
        '"syncd_number","syncd_reason","syncd_until"\n'
        '"7","Registrations","In Review","P1","42","DR-7","1,250.50","GBP","2026-12-01","2026-11-02 09:00",'
        '"01/07/2026 09:15","core;analytics","","","","","",""\n'
    )
    desk = Desk(tmp_path, "hubspot", "deals", export)
    file = load(CONFIG / "mappings/files.yaml", MappingFile)
    mapping = Mapping.compile(file, "files").streams[Stream.REGISTRATIONS]
    (page,) = desk.connector.pull(mapping.read_spec(), Window(None, desk.clock.now()))
    (row,) = page.rows
    mapped = mapping.to_canonical(Ref("files-acme", "deals", row.id), row.fields)
    assert mapped.problems == ()
    record = mapped.record
    assert isinstance(record, Registration)
    assert (record.partner_id, record.company_id, record.status, record.number) == ("P1", "42", "submitted", "DR-7")
    assert record.submitted_at is not None
    assert record.submitted_at.isoformat() == "2026-07-01T08:15:00+00:00"
    assert str(record.value) == "Money(amount=Decimal('1250.50'), currency='GBP')"
    assert record.products == {"core", "analytics"}


def test_a_dry_run_puts_nothing_down(org: Desk) -> None:
    with pytest.raises(Stop):
        ReadOnly(org.connector).write("Account", [])
    assert org.files() == []
