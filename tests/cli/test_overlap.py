"""`overlap` says from two exports what partners and the direct team both work on, safely and in words."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from syncd.cli.main import run
from syncd.demo.universe import generate

HOSTILE = "<script>alert(1)</script>\"'>&"
DIRECT = f"""Account ID,Account Name,Website,Opportunity ID,Opportunity Name,Stage,Amount,Amount Currency,Created Date,Lead Source,Partner Name,PRM Registration Id,Opportunity Owner,Products
A1,Acme Widgets Ltd,acme-widgets.co.uk,O1,Acme seats,Negotiation,"1,000.00",GBP,2026-10-01,Web,,,Jo Rep,core
A1,Acme Widgets Ltd,acme-widgets.co.uk,O2,Acme archive,Closed Lost,500,GBP,2025-01-01,Web,,,Jo Rep,core
A2,Brightwater Foods,brightwater-foods.com,O3,Brightwater,Qualification,9000,GBP,2026-10-12,Partner,Sundial IT,DR-2,Jo Rep,core
A3,Quillfeather Pens,quillfeather.com,O4,Quill,Closed Won,70,EUR,2025-05-05,Web,,,Al Rep,core
A4,Zephyr Ovens,zephyr-ovens.com,,,,,,,,,,,
A5,{HOSTILE.replace('"', "'")} Hardware,hostile-hardware.com,O5,=HYPERLINK(1),Prospecting,20,GBP,2026-11-01,Web,,,@Jo,core
A6,Marrowby Glass,marrowby.com,O6,Marrowby,Prospecting,5,GBP,2026-09-01,Web,,,Al Rep,archive
"""  # noqa: E501
PARTNER = f"""Registration ID,Company Name,Domain,Partner,Registration Status,Submitted Date,Products
DR-1,ACME WIDGETS,acme-widgets.co.uk,Sundial IT,submitted,2026-10-20,core
DR-2,Brightwater Foods Ltd,brightwater-foods.com,Sundial IT,approved,2026-10-10,core
DR-3,Quillfeather Pens,quillfeather.com,Sundial IT,submitted,2026-10-10,core
DR-4,Zephyr Ovens,zephyr-ovens.com,Sundial IT,submitted,2026-10-10,core
DR-5,Nowhere Known Limited,nowhere-known.com,Sundial IT,submitted,2026-10-10,archive
DR-6,Zephyr Ovens,zephyr-ovens.com,Copperline,submitted,2026-10-11,core
DR-7,Acme Widgets,acme-widgets.co.uk,Copperline,rejected,2026-10-11,core
DR-8,{HOSTILE.replace('"', "'")} Hardware,hostile-hardware.com,=Evil & Co,submitted,2026-10-11,core
DR-9,Marrowby Glass,marrowby.com,Sundial IT,submitted,2026-10-10,core
"""

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command with --json on two texts; the page and the CSV are left in `tmp_path`."""

    def of(direct: str = DIRECT, partner: str = PARTNER, *options: str, exits: int = 0) -> dict[str, Any]:
        (tmp_path / "direct.csv").write_text(direct, encoding="utf-8")
        (tmp_path / "partner.csv").write_text(partner, encoding="utf-8")
        files = ["-o", str(tmp_path / "r.html"), "--csv", str(tmp_path / "r.csv")]
        inputs = [str(tmp_path / "direct.csv"), str(tmp_path / "partner.csv")]
        assert run(["overlap", *inputs, *files, "--json", *options]) == exits
        document: dict[str, Any] = json.loads(capsys.readouterr().out)
        return document

    return of


def by_row(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {f"DR-{f['partner_row'] - 1}": f for f in document["findings"]}


class Page(HTMLParser):
    """The tags, tables and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_each_filing_says_what_it_meets(report: Run) -> None:
    found = by_row(report())
    assert {number: f["meets"] for number, f in found.items()} == {
        "DR-1": "open_deal",
        "DR-2": "own_deal",
        "DR-3": "customer",
        "DR-4": "account",
        "DR-5": "nothing",
        "DR-6": "account",
        "DR-7": "not_live",
        "DR-8": "open_deal",
        "DR-9": "account",
    }
    assert "1,000.00 GBP, owner Jo Rep, created 2026-10-01, 19 days before the filing" in found["DR-1"]["in_words"]
    assert found["DR-1"]["deal_rows"] == "2"
    assert "acme-widgets.co.uk" in found["DR-1"]["reason"]


def test_two_partners_on_one_company_are_found(report: Run) -> None:
    document = report()
    assert document["filed_by_several_partners"] == 2
    assert "Also filed by Copperline (row 7)" in by_row(document)["DR-4"]["in_words"]


def test_what_is_worked_twice_is_summed_once(report: Run) -> None:
    again = PARTNER + "DR-10,ACME WIDGETS,acme-widgets.co.uk,Sundial IT,submitted,2026-10-20,core\n"
    assert report(DIRECT, again)["worked_twice"] == {"GBP": "1020.00"}


def test_other_products_do_not_meet_unless_only_one_side_names_them(report: Run) -> None:
    assert by_row(report())["DR-9"]["meets"] == "account"
    document = report(DIRECT.replace(",archive\n", ",Archive Suite\n"))
    assert by_row(document)["DR-9"]["meets"] == "open_deal"
    assert any("archive suite" in words for words in document["could_not_say"])


def test_a_deal_with_the_partners_name_soon_after_is_its_own(report: Run) -> None:
    without_key = DIRECT.replace("DR-2", "")
    assert by_row(report(without_key))["DR-2"]["meets"] == "own_deal"
    assert by_row(report(without_key.replace("2026-10-12", "2026-10-09")))["DR-2"]["meets"] == "partner_deal"
    assert by_row(report(without_key.replace("Sundial IT", "Copperline")))["DR-2"]["meets"] == "partner_deal"


def test_accounts_alone_say_that_both_know_the_company(report: Run) -> None:
    document = report(
        "Company,Website\nAcme Widgets,acme-widgets.co.uk\n", "name,web site\nAcme Widgets,acme-widgets.co.uk\n"
    )
    assert document["auto"] == {"account": 1}
    assert any("has no deals" in words for words in document["could_not_say"])


def test_what_is_less_than_sure_is_for_review_and_apart(report: Run, tmp_path: Path) -> None:
    header = "Company,Post Code\n"
    document = report(f"{header}Acme Widgets Ltd,YO1 4AP\n", f"{header}Acme Widgets,YO1 4AP\n", "--auto", "1")
    assert document["auto"] == {}
    assert document["review"] == {"account": 1}
    page = (tmp_path / "r.html").read_text()
    assert page.index("To be checked") < page.index("Acme Widgets Ltd")


def test_the_page_is_self_contained_and_accessible(report: Run, tmp_path: Path) -> None:
    report()
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(text)
    assert not page.open
    names = [tag for tag, _ in page.tags]
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(names)
    assert not any(key in ("src", "href") or key.startswith("on") for _, given in page.tags for key in given)
    assert "url(" not in text
    assert names.count("table") == names.count("caption")
    assert names.count("h1") == names.count("main") == names.count("title") == 1
    assert all(given.get("scope") in ("col", "row") for tag, given in page.tags if tag == "th")
    assert ("html", {"lang": "en"}) in page.tags


def test_hostile_values_stay_text(report: Run, tmp_path: Path) -> None:
    report()
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert "'=Evil & Co" in cells
    assert "'@Jo" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_the_version_without_names_tells_none(report: Run, tmp_path: Path) -> None:
    document = report(DIRECT, PARTNER, "--without-names")
    texts = [(tmp_path / "r.html").read_text(), (tmp_path / "r.csv").read_text(), json.dumps(document)]
    telling = (
        "acme",
        "brightwater",
        "quill",
        "zephyr",
        "sundial",
        "copperline",
        "jo rep",
        "evil",
        "o1",
        "a1,",
        "dr-",
        "tmp",
    )
    for text in texts:
        assert not [word for word in telling if word in text.lower()]
        assert "same domain" in text
        assert "1,000.00 GBP" in text


def test_rows_kept_out_are_listed_and_exit_with_3(report: Run, tmp_path: Path) -> None:
    document = report(DIRECT, PARTNER + "DR-10,,,Sundial IT,submitted,2026-10-20,core\n", exits=3)
    assert [n["row"] for n in document["partner"]["kept_out"]] == [11]
    assert "has neither a name nor a web site" in (tmp_path / "r.html").read_text()


def test_unknown_columns_are_listed(report: Run, tmp_path: Path) -> None:
    lines = [f"{line},x" if n else f"{line},Shoe Size" for n, line in enumerate(PARTNER.splitlines())]
    document = report(DIRECT, "\n".join(lines))
    assert document["partner"]["unused_columns"] == [{"column": "Shoe Size", "reason": "not known"}]
    assert "Shoe Size" in (tmp_path / "r.html").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["overlap", "no.csv", "no.csv", "--json"], "There is no file"),
        (["overlap", "no.csv", "no.csv"], "-o REPORT.html"),
    ],
)
def test_wrong_usage_exits_with_2(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert words in capsys.readouterr().err


def test_pushed_registrations_never_collide_with_themselves(tmp_path: Path, report: Run) -> None:
    """The demo's universe, shaped as a Salesforce report and a HubSpot export."""
    generate(tmp_path / "u", datetime(2026, 11, 24, 6, tzinfo=UTC))
    direct, direct_ids = _salesforce_report(tmp_path / "u")
    document = report(direct, _hubspot_export(tmp_path / "u"), exits=3)
    own = {(r["registration_id"], r["opportunity_id"]) for r in _rows(tmp_path / "u/truth/own_deals.csv")}
    met = [(f["partner_id"], direct_ids[int(n)]) for f in document["findings"]
           for n in filter(None, f["deal_rows"].split("; ")) if f["meets"] != "own_deal"]  # fmt: skip
    assert not own & set(met)
    kinds = {f["partner_id"]: f["meets"] for f in document["findings"]}
    assert sum(kinds.get(registration) == "own_deal" for registration, _ in own) >= 0.8 * len(own)
    scenarios = _rows(tmp_path / "u/truth/scenarios.csv")
    earlier = [kinds[r["registration_id"]] for r in scenarios if r["code"] in ("C08", "C09", "C10")]
    assert earlier.count("open_deal") >= 0.9 * len(earlier)


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


_ACCOUNT = {"Account ID": "Id", "Account Name": "Name", "Website": "Website", "Phone": "Phone",
            "Billing Street": "BillingStreet", "Billing City": "BillingCity",
            "Billing Zip/Postal Code": "BillingPostalCode", "Billing Country": "BillingCountry"}  # fmt: skip
_DEAL = {"Opportunity ID": "Id", "Opportunity Name": "Name", "Stage": "StageName", "Amount": "Amount",
         "Created Date": "CreatedDate", "Amount Currency": "CurrencyIsoCode", "Lead Source": "LeadSource",
         "Partner Name": "Partner_Name__c", "PRM Registration Id": "PRM_Registration_Id__c"}  # fmt: skip
_COMPANY = {"Company name": "name", "Company Domain Name": "domain", "Street Address": "address", "City": "city",
            "Postal Code": "zip", "Country/Region": "country", "Phone Number": "phone"}  # fmt: skip
_FILING = {"Record ID": "hs_object_id", "Deal Name": "dealname", "Deal Stage": "dealstage",
           "Submitted At": "submitted_at", "Registration Number": "registration_number",
           "Associated Company IDs": "associations.companies"}  # fmt: skip


def _salesforce_report(folder: Path) -> tuple[str, dict[int, str]]:
    deals: dict[str, list[dict[str, str]]] = {}
    for deal in _rows(folder / "salesforce/Opportunity.csv"):
        deals.setdefault(deal["AccountId"], []).append(deal)
    rows = [
        [account[n] for n in _ACCOUNT.values()] + [deal.get(n, "") for n in _DEAL.values()]
        for account in _rows(folder / "salesforce/Account.csv")
        for deal in deals.get(account["Id"], [{}])
    ]
    return _text([*_ACCOUNT, *_DEAL], rows), {number: row[len(_ACCOUNT)] for number, row in enumerate(rows, 2)}


def _hubspot_export(folder: Path) -> str:
    companies = {row["hs_object_id"]: row for row in _rows(folder / "hubspot/companies.csv")}
    partners = {row["partner_id"]: row["partner_name"] for row in _rows(folder / "hubspot/p_partners.csv")}
    rows = [
        [deal[n] for n in _FILING.values()] + [companies[deal["associations.companies"]][n] for n in _COMPANY.values()]
        + [partners.get(deal["partner_id"], deal["partner_id"])]
        for deal in _rows(folder / "hubspot/deals.csv") if deal["pipeline"] == "registrations"
    ]  # fmt: skip
    return _text([*_FILING, *_COMPANY, "Partner Name"], rows)


def _text(columns: list[str], rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([columns, *rows])
    return text.getvalue()
