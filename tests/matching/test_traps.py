"""Name traps: pairs of records with the band they must, or must not, come out in."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from syncd.matching import Linker, Parsed, parse
from syncd.matching.names import read_name
from syncd.model import Account, Band, Ref

AUTO, REVIEW, NONE = Band.AUTO, Band.REVIEW, Band.NONE
HERE = {"website": "www.halden.example.com", "postcode": "AB1 2CD", "street": "12 Mill Lane", "country": "GB"}

# Two spellings that are read as the same words: what is left when form, spelling convention and sign are aside.
SAME_WORDS = [
    ("Siemens Aktiengesellschaft", "Siemens AG"),
    ("Grupo Bimbo S.A.B. de C.V.", "GRUPO BIMBO SAB DE CV"),
    ("Philips N. V.", "Philips NV"),
    ("D S M N.V.", "DSM"),
    ("Touax Société Anonyme", "Touax SA"),
    ("Imprimerie Chirat SA", "Imprimerie Chirat"),
    ("Unilever Naamloze Vennootschap", "Unilever N.V."),
    ("Foo sp. z o.o.", "FOO Spółka z ograniczoną odpowiedzialnością"),
    ("Bar S.à r.l.", "Bar SARL"),
    ("Baz GmbH & Co. KG", "BAZ"),
    ("Baz Gesellschaft mit beschränkter Haftung", "Baz GmbH"),
    ("ACME CO., LTD.", "Acme Company Limited"),
    ("Acme Pty. Ltd.", "Acme Proprietary Limited"),
    ("Acme Private Limited", "Acme Pvt. Ltd."),
    ("Acme Incorporated", "Acme, Inc."),
    ("Acme L.L.C.", "Acme Limited Liability Company"),
    ("Acme PLC (publ)", "Acme public limited company"),
    ("Zumtobel GmbH Austria", "Zumtobel Austria"),
    ("ООО Ромашка", "Ромашка"),
    ("OAO Gazprom", "Open Joint Stock Company Gazprom"),
    ("株式会社トヨタ", "トヨタ株式会社"),
    ("Kabushiki Kaisha Toyota", "Toyota K.K."),
    ("Astra Tbk.", "Astra"),
    ("Stichting Pensioenfonds", "Pensioenfonds"),
    ("Acme Anonim Şirketi", "Acme A.Ş."),
    ("Valeo SE", "Valeo SA"),
    ("Acme Limtied", "Acme Limited"),
    ("Acme LMITED", "ACME"),
    ("Südzucker AG", "Suedzucker AG"),
    ("Wüstenrot", "Wuestenrot"),
    ("Ströer", "Stroeer"),
    ("Århus", "Aarhus"),
    ("Møller", "Moller"),
    ("Łódź Fabryka", "Lodz Fabryka"),
    ("IŞIK", "isik"),
    ("Denny's", "Dennys"),
    ("Denny’s", "DENNY`S"),
    ("L.E.A.D. Academy Trust", "LEAD Academy Trust"),
    ("L'Air Liquide S.A.", "Air Liquide"),
    ("H+H International A/S", "H & H International"),
    ("Marks & Spencer", "Marks and Spencer"),
    ("The Casey Group", "Casey Group"),
    ("Voyage Two", "Voyage 2"),
    ("Gores Metropoulos II", "Gores Metropoulos 2"),
    ("Fund V", "Fund 5"),
    ("Seventh Street", "7th Street"),
    ("Brigade Forty-Four", "Brigade 44"),
    ("First International Bank", "1st Intl Bank"),
    ("windeln.de AG", "Windeln"),
    ("Amazon.com, Inc.", "Amazon"),
    ("GE Healthcare (U.K.) Limited", "GE Healthcare UK"),
    ("Acme Deutschland GmbH", "Acme Germany"),
    ("Harbour Centre", "Harbor Center"),
    ("Acme Mgmt Svcs", "ACME MANAGEMENT SERVICES"),
    ("Acme\x00\x07  Ltd\t", "acme"),
    ("🎉 Acme 🎉", "Acme"),
]

# Spellings that must stay two different readings.
OTHER_WORDS = [
    ("SOL S.p.A.", "S.p.A."),
    ("AS Roma", "Roma"),
    ("SA Power", "Power"),
    ("AB Agri Limited", "Agri Limited"),
    ("Smith & Sons", "Smith"),
    ("Voyage 1", "Voyage 2"),
    ("Care (Scotland)", "Care (England)"),
    ("The Limited", "The Gap"),
    ("El.En. S.p.A.", "En S.p.A."),
    ("Europe Foods", "UK Foods"),
    ("Blue Compass", "Blue Ltd"),
    ("Off Limits", "Off Limited"),
]

# name and fields of a filed company, of an account, and the band; HERE means the same site, place and street.
CASES: list[tuple[str, str, dict[str, str], dict[str, str], set[Band]]] = [
    ("Halden Joinery Ltd", "HALDEN JOINERY", HERE, HERE, {AUTO}),
    ("Halden Joinery", "Halden Joinery Limited", HERE, {"country": "GB"}, {AUTO}),
    ("Halden Joniery", "Halden Joinery Limited", HERE, HERE, {AUTO}),
    ("Suedhaldener Werke", "Südhaldener Werke GmbH", HERE, HERE, {AUTO}),
    ("Halden Joinery Intl", "Halden Joinery International", HERE, HERE, {AUTO}),
    ("Halden Voyage 1", "Halden Voyage 2", HERE, HERE, {REVIEW, NONE}),
    ("Halden Fund II", "Halden Fund III", HERE, HERE, {REVIEW, NONE}),
    ("Halden Fund", "Halden Fund III", HERE, HERE, {REVIEW, NONE}),
    ("Halden Care (Scotland)", "Halden Care (England)", HERE, HERE, {REVIEW, NONE}),
    ("Halden Power (South Wales)", "Halden Power (South West)", HERE, HERE, {REVIEW, NONE}),
    ("Halden Care Homes", "Halden Care Services", HERE, HERE, {REVIEW, NONE}),
    ("Halden Joinery", "Brunvik Fisheries", HERE, HERE, {REVIEW, NONE}),
    ("Halden Joinery", "Halden Logistics", {"country": "GB"}, {"country": "GB"}, {REVIEW, NONE}),
    ("Halden Joinery", "Halden Joinery", {"country": "GB"}, {"country": "FR"}, {REVIEW, NONE}),
    ("HJW", "Halden Joinery Works", {"country": "GB"}, {"country": "GB"}, {REVIEW, NONE}),
    ("Brunvik (formerly Halden Joinery)", "Halden Joinery Ltd", HERE, HERE, {AUTO, REVIEW}),
    ("Brunvik t/a Halden Joinery", "Halden Joinery Ltd", HERE, HERE, {AUTO, REVIEW}),
    ("Brunvik d/b/a Halden Joinery", "Halden Joinery Ltd", HERE, HERE, {AUTO, REVIEW}),
    ("Halden Purina Manufacturing Operati", "Halden Purina Manufacturing Operations", HERE, HERE, {AUTO}),
    ("Inter Halden", "Interhalden", HERE, HERE, {AUTO, REVIEW}),
    ("n/a", "test", {}, {}, {NONE}),
    ("n/a", "n/a", {"country": "GB"}, {"country": "GB"}, {NONE}),
    ("Bank of Halden", "Bank of Brunvik", {"country": "GB"}, {"country": "GB"}, {NONE}),
    (
        "Halden Joinery",
        "Halden Joinery",
        {**HERE, "vat_number": "GB123456789"},
        {**HERE, "vat_number": "GB987654321"},
        {NONE},
    ),
    ("Halden", "Brunvik", {"vat_number": "GB123456789"}, {"vat_number": "GB 123 4567 89"}, {AUTO, REVIEW}),
    ("Halden Joinery", "Halden Joinery", {"website": "gmail.com"}, {"website": "brunvik.com"}, {AUTO, REVIEW}),
]


@pytest.mark.parametrize(("one", "other"), SAME_WORDS)
def test_spellings_of_one_name_are_read_as_one(one: str, other: str) -> None:
    left, right = read_name(one), read_name(other)
    assert left is not None
    assert right is not None
    assert left.joined == right.joined


@pytest.mark.parametrize(("one", "other"), OTHER_WORDS)
def test_what_distinguishes_stays(one: str, other: str) -> None:
    left, right = read_name(one), read_name(other)
    assert left is not None
    assert right is not None
    assert left.joined != right.joined


@pytest.mark.parametrize("blank", [None, "", " ", "n/a", "N/A", "test", "-", "--", ".", "TBD", "unknown", "\x00", "🎉"])
def test_placeholders_are_blanks(blank: str | None) -> None:
    assert read_name(blank) is None


@pytest.mark.parametrize("name", ["Limited", "SA", "GmbH & Co. KG", "The", "and", "A/S", "S.p.A."])
def test_the_last_word_is_never_stripped(name: str) -> None:
    read = read_name(name)
    assert read is not None
    assert read.words


@pytest.mark.parametrize(("filed", "known", "left", "right", "bands"), CASES)
def test_a_trap_comes_out_in_its_band(
    linker: Linker, filed: str, known: str, left: dict[str, str], right: dict[str, str], bands: set[Band]
) -> None:
    one = parse(Account(ref=Ref("prm", "company", "1"), name=filed, **left))  # type: ignore[arg-type]
    other = parse(Account(ref=Ref("crm", "account", "1"), name=known, **right))  # type: ignore[arg-type]
    assert _band(linker, one, other) in bands, linker.explain(one, other)


def _band(linker: Linker, one: Parsed, other: Parsed) -> Band:
    edges = linker.edges_of(one, [other])
    links = linker.decide(edges, lambda ref: "direct" if ref.connection == "crm" else "filed", {}).links
    return links[0].band if links else Band.NONE


def _planted() -> list[dict[str, str]]:
    with Path(__file__).with_name("traps.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


PLACE = {key: value for key, value in HERE.items() if key != "country"}
ELSEWHERE = {"website": "www.brunvik.example.com", "postcode": "ZX9 8YW", "street": "99 Harbour Row"}
WHERE = {"here": (PLACE, PLACE), "site": ({"website": HERE["website"]}, {"website": HERE["website"]}),
         "bare": ({}, {}), "elsewhere": (PLACE, ELSEWHERE)}  # fmt: skip


def test_there_are_two_hundred_planted_traps_of_many_kinds() -> None:
    planted = _planted()
    assert len({(row["left"], row["right"], row["where"]) for row in planted}) >= 200
    assert len({row["trap"] for row in planted}) >= 20


@pytest.mark.parametrize("row", _planted(), ids=lambda row: f"{row['left']}|{row['right']}"[:60])
def test_a_planted_trap_comes_out_in_its_band(linker: Linker, row: dict[str, str]) -> None:
    fields = WHERE[row["where"]]
    one, other = (
        parse(Account(ref=Ref(side, "company", "1"), name=row[name], country=row["country"] or None, **known))  # type: ignore[arg-type]
        for side, name, known in zip(("prm", "crm"), ("left", "right"), fields, strict=True)
    )
    band = _band(linker, one, other)
    assert band.value[0] in row["bands"], linker.explain(one, other)


def test_a_person_is_not_a_company_of_that_name(linker: Linker) -> None:
    one = parse(Account(Ref("prm", "company", "1"), "Jane Halden", country="GB", is_person=True))
    company = parse(Account(Ref("crm", "account", "1"), "Jane Halden", country="GB"))
    assert _band(linker, one, company) is not AUTO


def test_people_of_one_name_are_not_one_person_unless_more_agrees(linker: Linker) -> None:
    one = parse(Account(Ref("prm", "company", "1"), "Jane Halden", country="GB", is_person=True))
    other = parse(Account(Ref("crm", "account", "1"), "Jane Halden", country="GB", is_person=True))
    assert _band(linker, one, other) is not AUTO
