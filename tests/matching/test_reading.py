"""Fast ways of reading give what the thorough ones give: telephone numbers and letters."""

from __future__ import annotations

import unicodedata
from random import Random

import phonenumbers
import pytest
from anyascii import anyascii
from hypothesis import given
from hypothesis import strategies as st

from syncd.matching import phones
from syncd.matching.names import plain
from syncd.matching.places import phone_of


def _by_the_library(text: str, country: str | None) -> str:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    return f"+{number.country_code}{number.national_number}"


def _numbers(seed: int, count: int) -> list[tuple[str, str | None]]:
    """Numbers of all regions as people write them: examples with other digits, trunk digits, country codes, junk."""
    chance, regions = Random(seed), sorted(phonenumbers.SUPPORTED_REGIONS)
    found: list[tuple[str, str | None]] = []
    while len(found) < count:
        region = chance.choice(regions if chance.random() < 0.6 else ["US", "DE", "GB", "FR", "IT", "BR", "JP", "AR"])
        example = phonenumbers.example_number(region)
        assert example is not None
        known = str(example.national_number) if chance.random() < 0.5 else "0" * chance.randrange(2) + "5" * 9
        other = (chance.choice("0123456789") if i > 2 or chance.random() < 0.2 else c for i, c in enumerate(known))
        digits = "".join(other)
        begin = chance.choice(("", "0", f"+{example.country_code}", f"+{example.country_code}0", "00", "1"))
        text = "".join(c + (chance.choice(" -.()/") if chance.random() < 0.12 else "") for c in begin + digits)
        found.append((text, region if chance.random() < 0.9 or begin[:1] != "+" else None))
    return found


def test_a_number_read_fast_is_the_number_that_the_library_reads() -> None:
    read_fast = 0
    for text, country in _numbers(1, 6_000):
        found = phones.read(text, country)
        if found is not None:
            read_fast += 1
            assert found == _by_the_library(text, country), (text, country)
    assert read_fast > 2_500


@pytest.mark.parametrize(
    ("text", "country", "expected"),
    [
        ("+49 (0)30 1234567", "DE", "+49301234567"),
        ("030 1234567", "DE", "+49301234567"),
        ("(212) 555-0100", "US", "+12125550100"),
        ("1-212-555-0100", "US", "+12125550100"),
        ("06 12 34 56 78", "FR", "+33612345678"),
        ("+39 02 1234567", "IT", "+3921234567"),
        ("0049 30 1234567", "DE", "+49301234567"),
        ("+1 212 555 0100 ext. 5", "US", "+12125550100"),
        ("000000000", "DE", ""),
        ("12345", "DE", ""),
    ],
)
def test_phones_as_people_write_them(text: str, country: str, expected: str) -> None:
    assert phone_of(text, country) == expected


# Without the signs that native legal forms are written with: those are taken off.
_TEXT = st.text(st.characters(exclude_characters="株有合股주유㈜㈱㍿"), max_size=60)


@given(_TEXT)
def test_letters_are_read_one_by_one_as_all_together(text: str) -> None:
    known = unicodedata.normalize("NFKC", text)
    expected = anyascii("".join(c if c.isalnum() or unicodedata.combining(c) else " " for c in known)).lower()
    found = plain(text)
    assert found.isascii()
    assert [c for c in found if c.isalnum()] == [c for c in expected[:480] if c.isalnum()]
