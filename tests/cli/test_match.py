"""`match` links any two files, measures links, explains a pair, and says what it could not use."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from syncd.app import load_config, open_store
from syncd.cli.main import run
from syncd.demo import companies
from syncd.errors import UserError
from syncd.jobs.columns import amount_of, day_order, recognised, state_of
from syncd.jobs.exports import read_export
from syncd.jobs.frozen import count_now
from syncd.matching import Linker, Statistics, keys, parse
from syncd.model import Account, Judgement, Ref
from syncd.store import graph, outcomes

REPOSITORY = Path(__file__).parents[2]
LEFT = "id,name,website,postcode\nL1,Acme Widgets Ltd,acme-widgets.co.uk,SW1A 1AA\nL2,Zephyr Ovens,,\n"
RIGHT = "id,name,website,postcode\nR1,ACME WIDGETS LIMITED,www.acme-widgets.co.uk,SW1A 1AA\nR2,Brightwater Foods,,\n"

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def put(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return put


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def as_csv(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def test_two_files_are_linked_without_naming_a_subcommand(write: Write, tmp_path: Path) -> None:
    links = tmp_path / "links.csv"
    assert run(["match", str(write("l.csv", LEFT)), str(write("r.csv", RIGHT)), "-o", str(links)]) == 0
    assert links.read_text().splitlines()[0] == "id_left,id_right,score,band,reason"
    (link,) = table(links)
    assert (link["id_left"], link["id_right"], link["band"]) == ("L1", "R1", "auto")
    assert 0.97 <= float(link["score"]) <= 1
    assert "acme-widgets.co.uk" in link["reason"]


@pytest.mark.parametrize("order", [("-o", "O", "L", "R"), ("L", "-o", "O", "R"), ("files", "L", "R", "-o", "O")])
def test_options_may_stand_anywhere(write: Write, tmp_path: Path, order: tuple[str, ...]) -> None:
    paths = {"L": str(write("l.csv", LEFT)), "R": str(write("r.csv", RIGHT)), "O": str(tmp_path / "o.csv")}
    assert run(["match", *(paths.get(word, word) for word in order)]) == 0
    assert len(table(tmp_path / "o.csv")) == 1


def test_json_is_one_document_with_what_was_not_used(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    left = "id,name,shoe size\nL1,Acme Widgets Ltd,44\n,No Id Ltd,1\nL1,Twice Ltd,2\nL3,,3\nL4,Too,4,5\n"
    assert run(["match", str(write("l.csv", left)), str(write("r.csv", RIGHT)), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["left"]["unused_columns"] == [{"column": "shoe size", "reason": "not known"}]
    assert {n["row"]: n["reason"].split(";")[0] for n in document["left"]["kept_out"]} == {
        3: "has no id",
        4: "has the same id as row 2",
        5: "has neither a name nor a web site by which to know the company",
        6: "has 4 cells where the header has 3",
    }
    assert document["links"]["all"] == len(document["pairs"])


def test_rows_kept_out_are_told_on_standard_error(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    left = LEFT + "L2,Other,,\n"
    assert run(["match", str(write("l.csv", left)), str(write("r.csv", RIGHT))]) == 3
    told = capsys.readouterr()
    assert told.out.startswith("id_left,")
    assert "row 4 was kept out: has the same id as row 3" in told.err


def test_ids_never_become_formulas_and_are_still_evaluated(write: Write, tmp_path: Path) -> None:
    hostile = ["=cmd|' /C calc'!A0", "+1", "-2", "@SUM(A1)"]
    names = ["Acme Widgets Ltd", "Brightwater Foods", "Zephyr Ovens", "Quillfeather Pens"]
    left = write("l.csv", as_csv(["id", "name"], zip(hostile, names, strict=True)))
    right = write("r.csv", as_csv(["id", "name"], [(f"R{n}", name) for n, name in enumerate(names)]))
    truth = write("t.csv", as_csv(["id_left", "id_right"], [(id_, f"R{n}") for n, id_ in enumerate(hostile)]))
    links = tmp_path / "links.csv"
    assert run(["match", str(left), str(right), "-o", str(links)]) == 0
    assert {row["id_left"] for row in table(links)} == {f"'{id_}" for id_ in hostile}
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in table(links) for cell in row.values())
    assert run(["match", "evaluate", str(links), str(truth)]) == 0


def test_evaluation_counts_by_band(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        ("L1", "R1", 0.99, "auto"),
        ("L2", "R9", 0.98, "auto"),
        ("L3", "R3", 0.5, "review"),
        ("L4", "R4", 0.2, "review"),
    ]
    links = write("links.csv", as_csv(["id_left", "id_right", "score", "band"], rows))
    truth = write("truth.csv", "id_left,id_right,name_changed\nL1,R1,0\nL2,R2,1\nL3,R3,1\nL5,R5,0\n")
    assert run(["match", "evaluate", str(links), str(truth), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bands"]["auto"] == {"links": 2, "right": 1, "precision": 0.5, "recall": 0.25, "f1": 1 / 3}
    assert document["bands"]["review"] == {"links": 2, "right": 1, "precision": 0.5, "recall": 0.25, "f1": 1 / 3}
    assert document["bands"]["auto+review"] == {"links": 4, "right": 2, "precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert document["best_f1"] == pytest.approx(2 * 2 / (3 + 4))
    assert document["best_threshold"] == 0.5
    assert document["renamed_recall"] == 0.5


def test_rows_that_are_no_links_are_named(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    links = write("k.csv", "id_left,id_right,score,band\nL1,R1,high,auto\nL1,R1,2,auto\nL1,R1,1,auto\nL1,R1,1,auto\n")
    truth = write("t.csv", "id_left,id_right\nL1,R1\n")
    assert run(["match", "evaluate", str(links), str(truth)]) == 3
    told = capsys.readouterr().err
    assert all(f"row {n}" in told for n in (2, 3, 5))
    assert "row 4" not in told


def test_a_pair_of_two_files_is_explained_linked_or_not(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--left", str(write("l.csv", LEFT)), "--right", str(write("r.csv", RIGHT))]
    assert run(["match", "explain", "L1", "R1", *files]) == 0
    told = capsys.readouterr().out
    assert "Both use the same web domain: acme-widgets.co.uk" in told
    assert "Link: auto" in told
    assert run(["match", "explain", "L2", "R2", *files, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["band"] == "none"
    assert document["evidence"]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Ref, Ref]:
    """A state database with one link that a person confirmed."""
    for name in ("CRM_CLIENT_ID", "CRM_CLIENT_SECRET", "PRM_TOKEN"):
        monkeypatch.setenv(name, "x")
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    config = tmp_path / "config" / "syncd.yaml"
    filed, account = Ref("prm1", "companies", "7"), Ref("crm1", "Account", "001")
    records = [parse(Account(filed, "=Acme Widgets")), parse(Account(account, "Acme Widgets Ltd"))]
    statistics = Statistics.build(records)
    linker = Linker(statistics)
    edges = linker.edges_of(records[0], records)
    decided = linker.decide(edges, lambda r: "direct" if r == account else "filed", {(filed, account): Judgement.SAME})
    store = open_store(load_config(config).settings)
    store.upgrade()
    with store.append() as tx:
        rows = [(r.ref, "filed" if r.ref == filed else "direct", r.to_json(), keys(r)) for r in records]
        graph.put_parsed(tx, rows, "1")
        graph.put_links(tx, decided.links)
        frozen = count_now(tx)
        outcomes.freeze_statistics(tx, frozen.version, frozen.to_json(), datetime(2026, 11, 24, tzinfo=UTC))
    store.close()
    return str(config), filed, account


def test_the_links_of_the_daemon_are_exported(
    state: tuple[str, Ref, Ref], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config, filed, account = state
    links = tmp_path / "links.csv"
    assert run(["-c", config, "match", "links", "-o", str(links)]) == 0
    (link,) = table(links)
    assert list(link) == ["left", "right", "score", "band", "judgement", "reason"]
    assert (link["left"], link["right"], link["band"], link["judgement"]) == (str(filed), str(account), "auto", "same")
    assert run(["-c", config, "match", "links", "-o", "-"]) == 0
    assert capsys.readouterr().out == links.read_text()
    assert run(["-c", config, "match", "links", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["left"] == str(filed)


def test_a_pair_of_the_state_is_explained(state: tuple[str, Ref, Ref], capsys: pytest.CaptureFixture[str]) -> None:
    config, filed, account = state
    assert run(["-c", config, "match", "explain", str(filed), str(account)]) == 0
    assert "a person said same" in capsys.readouterr().out


# --- reading ---------------------------------------------------------------------------------------------------------

SALESFORCE_REPORT = "Account ID,Account Name,Billing Street,Billing City,Billing Zip/Postal Code,Shipping City"
SALESFORCE_LOADER = "Id,Name,BillingPostalCode,BillingCountry,NumberOfEmployees,VAT_Number__c"
HUBSPOT = "Record ID,Company name,Company Domain Name,Street Address,Postal Code,Country/Region,Phone Number"
GERMAN = "Nr,Firma,Straße,PLZ,Ort,Land,USt-IdNr."


@pytest.mark.parametrize(
    ("header", "meant"),
    [
        (SALESFORCE_REPORT, "company_id name street city postcode"),
        (SALESFORCE_LOADER, "id name postcode country employees vat_number"),
        (HUBSPOT, "id name website street postcode country phone"),
        (GERMAN, "id name street postcode city country vat_number"),
        ("Id,Name,StageName,AccountId,Account.Name", "deal_id deal_name stage company_id name"),
        ("Record ID,Deal Name,Deal Stage,Associated Company", "deal_id deal_name stage name"),
        ("Company,Registration Number", "name registration_number"),
        ("Company,Registration Number,Partner", "name key partner"),
    ],
)
def test_headers_of_the_usual_exports_are_recognised(header: str, meant: str) -> None:
    for written in (header, header.upper()):
        assert set(recognised(written.split(","))) == set(meant.split())


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + "ID;Name;Ort\n1;Müller;Köln\n".encode(),
        "ID;Name;Ort\n1;Müller;Köln\n".encode("latin-1"),
        "ID\tName\tOrt\r\n1\tMüller\tKöln\r\n".encode("utf-16"),
        "sep=;\nID;Name;Ort\n1;Müller;Köln\n".encode(),
        '\nAll accounts\n"ID","Name","Ort"\n"1","Müller","Köln"\nCopyright (c) 2026 salesforce.com\n'.encode(),
    ],
)
def test_encodings_delimiters_titles_and_footers(write: Write, content: bytes) -> None:
    export = read_export(write("x.csv", content), "left", by_id=True)
    assert [(row.id, row.account.name, row.account.city) for row in export.rows] == [("1", "Müller", "Köln")]
    assert not export.kept_out


def test_a_huge_value_is_cut_and_said(write: Write) -> None:
    export = read_export(write("x.csv", f"id,name\n1,{'x' * 300_000}\n2,Acme\n"), "left", by_id=True)
    assert [len(row.account.name or "") for row in export.rows] == [1_000, 4]
    assert "300000 characters was cut" in str(export.notes[0])


def test_days_that_could_be_either_are_not_guessed(write: Write) -> None:
    assert day_order(["13/02/2026", "01/02/2026"]) == "dmy"
    assert day_order(["02/13/2026"]) == "mdy"
    assert day_order(["01/02/2026"]) == ""
    export = read_export(write("x.csv", "company,stage,created date\nAcme,Open,01/02/2026\n"), "left", by_id=False)
    assert export.rows[0].deal.created is None
    assert any("cannot be told apart" in str(note) for note in export.notes)


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("1,234.50", "1234.50"),
        ("1.234,50 €", "1234.50"),
        ("USD 1,234", "1234"),
        ("£12", "12"),
        ("1.000.000", "1000000"),
    ],
)
def test_amounts_as_people_write_them(said: str, amount: str) -> None:
    assert str(amount_of(said)[0]) == amount


def test_stages_as_crms_name_them() -> None:
    stages = ("Closed Won", "closedlost", "Negotiation", "Rejected", "Gewonnen", "")
    assert [state_of(stage) for stage in stages] == ["won", "lost", "open", "ended", "won", ""]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("shop,turnover\na,b\n", ["Seen: shop, turnover", "Known: account name"]),
        ("Id,Name,StageName\n1,Acme - 20 seats,Open\n", ["not the name of its company"]),
        ("", ["is empty"]),
        ('id,name\n1,"' + "x" * 17_000_000, ["cannot be read", "quotation mark"]),
    ],
)
def test_an_unusable_file_is_told_with_the_remedy(write: Write, content: str, words: list[str]) -> None:
    with pytest.raises(UserError) as error:
        read_export(write("x.csv", content), "left", by_id=True)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["match", "nowhere.csv", "x.csv"], "There is no file nowhere.csv"),
        (["match", "explain", "A", "B", "--left", "x.csv"], "Give both --left"),
        (["match", "x.csv", "y.csv", "--auto", "0.2", "--review", "0.4"], "nothing would be left"),
        (["match", "evaluate", "nowhere.csv", "x.csv"], "There is no file"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert words in capsys.readouterr().err


def test_real_companies_are_linked_well(write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = ("id", "name", "website", "address", "postcode", "country")
    for name, side in (("left.csv", companies.left()), ("right.csv", companies.right())):
        write(name, as_csv(columns, ([getattr(c, column) for column in columns] for c in side)))
    truth = [(pair.left, pair.right, int(pair.name_changed)) for pair in companies.truth()]
    known = write("truth.csv", as_csv(("id_left", "id_right", "name_changed"), truth))
    links = tmp_path / "links.csv"
    assert run(["match", str(tmp_path / "left.csv"), str(tmp_path / "right.csv"), "-o", str(links)]) == 0
    capsys.readouterr()
    assert run(["match", "evaluate", str(links), str(known), "--json"]) == 0
    bands = json.loads(capsys.readouterr().out)["bands"]
    assert bands["auto"]["precision"] >= 0.99
    assert bands["auto+review"]["recall"] >= 0.95
