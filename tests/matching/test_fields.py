"""What parsing makes of domains, telephones, postcodes, streets, countries and numbers of registers."""

from __future__ import annotations

import json
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import Parsed, Statistics, keys, parse, query_keys
from syncd.matching.places import city_of, country_of, domain_of, phone_of, postcode_of, street_of, tax_ids_of
from syncd.model import Account, Ref

REF = Ref("crm", "account", "1")


@pytest.mark.parametrize(
    ("website", "email", "domain"),
    [
        ("https://www.acme.co.uk/about?x=1", None, "acme.co.uk"),
        ("ACME.COM", None, "acme.com"),
        ("http://user@shop.acme.de:8080/", None, "acme.de"),
        ("docs.google.com/acme", None, ""),
        ("acme.sharepoint.com", None, ""),
        ("worldspanmedia.s3.amazonaws.com", None, ""),
        ("facebook.com/acme", "sales@acme.fr", "acme.fr"),
        (None, "jo@gmail.com", ""),
        (None, "jo@acme.com.br", "acme.com.br"),
        ("not a site", None, ""),
        ("localhost", None, ""),
        ("http://", None, ""),
        ("192.168.0.1", None, ""),
    ],
)
def test_domains(website: str | None, email: str | None, domain: str) -> None:
    assert domain_of(website, email)[0] == domain


@pytest.mark.parametrize(
    ("phone", "country", "read"),
    [
        ("+44 (0)20 7946 0123", None, "+442079460123"),
        ("020 7946 0123", "GB", "+442079460123"),
        ("404/351 -9533", None, "43519533"),
        ("12345", "GB", ""),
        ("000000000", "GB", ""),
        (None, "GB", ""),
    ],
)
def test_phones(phone: str | None, country: str | None, read: str) -> None:
    assert phone_of(phone, country) == read


@pytest.mark.parametrize(
    ("text", "code"),
    [("ts15 9et", "TS159ET"), ("TS159ET", "TS159ET"), ("08911", "8911"), ("n/a", ""), ("-", ""), ("0000", "")],
)
def test_postcodes(text: str, code: str) -> None:
    assert postcode_of(text) == code


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [("D-80331", "DE", "80331"), ("SE-111 22", "SE", "11122"), ("LV-1010", None, "1010"), ("12345-6789", None, "12345"),
     ("1000-205", "PT", "1000"), ("AD500", "GB", "AD500"), ("K1A 0B1", "CA", "K1A0B1")],
)  # fmt: skip
def test_postcodes_are_read_as_their_country_writes_them(text: str, country: str | None, code: str) -> None:
    assert postcode_of(text, country) == code


@pytest.mark.parametrize(
    ("one", "other", "country"),
    [
        (("FR83404833048", None), (None, "404 833 048 00022"), "FR"),
        (("BE 0123.456.789", None), (None, "123.456.789"), "BE"),
        (("SE556012579001", None), (None, "556012-5790"), "SE"),
        (("CHE-123.456.788 MWST", None), (None, "CHE 123.456.788"), "CH"),
        (("USt-IdNr. DE123456789", None), ("123 456 789", None), "DE"),
        ((None, "HRB 12345, AG München"), (None, "HRB 012345 B"), "DE"),
        (("EL094019245", None), ("94019245", None), "GR"),
    ],
)
def test_one_number_written_in_two_ways_agrees(one: tuple[str | None, str | None], other: tuple[str | None, str | None],
                                               country: str) -> None:  # fmt: skip
    assert set(tax_ids_of(*one, None, None, country)) & set(tax_ids_of(*other, None, None, country))


@pytest.mark.parametrize(
    ("here", "there"),
    [("München", "Munich"), ("1010 Wien", "Vienna"), ("Den Haag/'s-Gravenhage", "The Hague"), ("北京", "Peking")],
)
def test_a_city_has_one_name(here: str, there: str) -> None:
    assert city_of(here) == city_of(there)


def test_the_seat_behind_a_legal_form_is_a_city_and_no_part_of_the_name() -> None:
    parsed = parse(Account(REF, "Halden Jansen N.V., Rotterdam, NL", country="NL"))
    assert (parsed.names[0].words, parsed.city) == (("halden", "jansen"), "rotterdam")
    assert parse(Account(REF, "Halden Co., Ltd.")).city == ""
    assert parse(Account(REF, "Halden Ltd, Packaging Services")).city == ""


@pytest.mark.parametrize(
    ("text", "code"),
    [("United Kingdom", "GB"), ("UK", "GB"), ("gb", "GB"), ("U.K.", "GB"), ("Deutschland", "DE"), ("Österreich", "AT"),
     ("USA", "US"), ("Türkiye", "TR"), ("Neverland", None), (None, None)],
)  # fmt: skip
def test_countries(text: str | None, code: str | None) -> None:
    assert country_of(text) == code


def test_streets_and_registers() -> None:
    numbers, words = street_of("Unit 5, 12-14 Harcourt Street, London W1H 4HD", "W1H4HD", "london")
    assert numbers == {"5", "12", "14"}
    assert words == {"harcourt"}
    assert tax_ids_of("GB 123 456 789", "0012345", None, None, "GB") == ("vat:123456789", "reg:GB.12345")
    assert tax_ids_of("00000", None, None, None, "GB") == ()


def test_a_parsed_record_survives_the_store() -> None:
    account = Account(REF, "Südzucker t/a Zucker AG (SZ)", ("Sugar Ltd",), "sugar.de", None, "+49 621 421240", "12 Hof",
                      "Mannheim", "68165", None, "Germany", vat_number="DE12345678")  # fmt: skip
    parsed = parse(account)
    again = Parsed.from_json(json.loads(json.dumps(parsed.to_json())))
    assert again == parsed
    assert keys(again) == keys(parsed)
    statistics = Statistics.build([parsed, again])
    assert Statistics.from_json(json.loads(json.dumps(statistics.to_json()))).version == statistics.version


def test_records_find_each_other_by_every_kind_of_key() -> None:
    account = Account(REF, "Halden Joinery Works Ltd", (), "halden.com", None, "+442079460123", "12 Mill Lane", None,
                      "AB1 2CD", None, "GB", vat_number="123456789")  # fmt: skip
    kinds = {key.partition(":")[0] for key in keys(parse(account))}
    assert kinds == set("tjwsbeadlpnfx")
    assert set(keys(parse(account))) <= set(query_keys(parse(account)))


_hostile = st.one_of(
    st.none(),
    st.text(max_size=300),
    st.text(alphabet=string.punctuation + " \x00\t\n'", max_size=80),
    st.sampled_from(
        ["A" * 10_000, "a b " * 4_000, "(" * 5_000, "株" * 10_000, "🎉" * 5_000, "a." * 5_000, "1 " * 5_000]
    ),
)


@given(name=_hostile, website=_hostile, phone=_hostile, street=_hostile, postcode=_hostile, country=_hostile)
def test_any_text_is_read_and_bounded(
    name: str | None, website: str | None, phone: str | None, street: str | None, postcode: str | None,
    country: str | None,
) -> None:  # fmt: skip
    account = Account(REF, name, (name or "",), website, website, phone, street, name, postcode, None, country)
    parsed = parse(account)
    assert len(json.dumps(parsed.to_json())) < 20_000
    assert len(query_keys(parsed)) <= 100
    assert all(len(key) < 100 for key in query_keys(parsed))
    assert Parsed.from_json(parsed.to_json()) == parsed


@pytest.mark.parametrize(
    "name", ["A" * 10_000, "a b " * 3_000, "'" * 9_000, "((((" * 2_500, "t/a " * 2_500, "x." * 5_000]
)
def test_a_monstrous_name_costs_no_time(name: str) -> None:
    begun = time.process_time()
    parse(Account(REF, name, street=name, website=name, city=name, phone=name, postcode=name))
    assert time.process_time() - begun < 0.25
