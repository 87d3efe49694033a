"""Numbers, dates and truths in the spellings of spreadsheets."""

from __future__ import annotations

import pytest

from syncd.emulator.cells import guess_loosely, is_plain, made_plain, manner


def plain(kind: str, *cells: str) -> list[str]:
    return list(map(made_plain(kind, manner(cells)), cells))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1,234.50", "7", "-3"], ["1234.50", "7", "-3"]),
        (["1.234,50", "7", "0,5"], ["1234.50", "7", "0.5"]),
        (["1.234", "2.500"], ["1.234", "2.500"]),
        (["1.234", "2.500,00"], ["1234", "2500.00"]),
        (["1,234", "2,500"], ["1234", "2500"]),
        (["1,234,567", "0.5"], ["1234567", "0.5"]),
        (["USD 1,000.00", "$2,000", "(300)", "12%"], ["1000.00", "2000", "-300", "12"]),
        (["1 234,5 €", "-5 €"], ["1234.5", "-5"]),
        (["12'000.50", ""], ["12000.50", ""]),
        (["-", "5"], ["", "5"]),
        (["lots", "5"], ["lots", "5"]),
    ],
)
def test_numbers_are_read_as_their_column_writes_them(cells: list[str], expected: list[str]) -> None:
    assert plain("number", *cells) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1/31/2026", "2/1/2026"], ["2026-01-31", "2026-02-01"]),
        (["31/01/2026", "2/1/2026"], ["2026-01-31", "2026-01-02"]),
        (["31.01.2026", "1.2.26"], ["2026-01-31", "2026-02-01"]),
        (["2026/01/31"], ["2026-01-31"]),
        (["31-Jan-2026", "Feb 1, 2026", "1 March 2026"], ["2026-01-31", "2026-02-01", "2026-03-01"]),
        (["2026-01-31", "2026-01-31T10:00:00Z"], ["2026-01-31", "2026-01-31"]),
        (["31/31/2026", "soon"], ["31/31/2026", "soon"]),
        (["1 Smarch 2026"], ["1 Smarch 2026"]),
    ],
)
def test_dates_are_read_as_their_column_writes_them(cells: list[str], expected: list[str]) -> None:
    assert plain("date", *cells) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("1/31/2026 3:45 PM", "2026-01-31T15:45:00"),
        ("1/31/2026, 12:05 a.m.", "2026-01-31T00:05:00"),
        ("31.01.2026 15:45", "2026-01-31T15:45:00"),
        ("2026-01-31 15:45", "2026-01-31 15:45"),
        ("2026-01-31T15:45:00.000+0000", "2026-01-31T15:45:00.000+0000"),
        ("31.01.2026", "2026-01-31T00:00:00"),
    ],
)
def test_moments_are_read(cell: str, expected: str) -> None:
    assert plain("datetime", cell) == [expected]


def test_truths_are_read() -> None:
    assert plain("boolean", "Yes", "NO", "1", "0", "TRUE", "x", "perhaps", "") == [
        "true", "false", "true", "false", "true", "true", "perhaps", "",
    ]  # fmt: skip


def test_a_column_that_says_nothing_about_its_days_is_marked() -> None:
    assert manner(["1/2/2026", "3/4/2026"]).ambiguous
    assert not manner(["1/2/2026", "30/4/2026"]).ambiguous
    assert not manner(["2026-01-02"]).ambiguous


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1,234.50", "7"], "number"),
        (["€ 5", "€ 7"], "number"),
        (["1/31/2026", ""], "date"),
        (["1/31/2026 10:00", "2/1/2026"], "datetime"),
        (["01234", "99999"], "text"),
        (["+44 20 123"], "text"),
        (["020 7123 4567"], "text"),
        (["1.2.3"], "text"),
        (["", ""], "text"),
        (["12", "13"], "text"),
    ],
)
def test_a_type_is_guessed_only_where_every_cell_shows_it(cells: list[str], kind: str) -> None:
    assert guess_loosely(cells) == kind


def test_plain_columns_are_left_alone() -> None:
    assert is_plain("number", ["1.5", "-2", ""])
    assert not is_plain("number", ["1,5"])
    assert is_plain("datetime", ["2026-01-31", "2026-01-31 10:00", "2026-01-31T10:00:00.000Z", ""])
    assert not is_plain("date", ["31/01/2026"])
    assert is_plain("boolean", ["true", "", "false"])
    assert not is_plain("boolean", ["Yes"])
