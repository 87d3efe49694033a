"""Turns one native value into one of ours, or says why it cannot: their texts, numbers, dates and amounts.

Both CRMs are read by the same rules: HubSpot gives every value as a string, Salesforce gives JSON types.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from syncd.model import FiledStatus, Money

TEXT_LIMIT = 1_000
LONG_TEXT_LIMIT = 8_000
_LONG = frozenset({"activities", "competition", "decision_makers", "next_steps", "proof", "timeline", "street"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY, _LAST_DAY = date(1970, 1, 1), date(2200, 12, 31)
_MAX_NUMBER = 10**12
_MAX_AMOUNT = Decimal(10) ** 15

# control characters, invisible marks that reorder or hide text, and halves of surrogate pairs; line feeds stay
_BAD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


class Unfit(Exception):
    """A value that cannot be taken as it is; `kept` is what is taken instead."""

    def __init__(self, code: str, message: str, kept: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.kept = kept


Convert = Callable[[Any], Any]
"""From a native value that is not None to ours; None when it is blank. Raises Unfit."""


def text_limit(field: str) -> int:
    """How much text the canonical field keeps."""
    return LONG_TEXT_LIMIT if field in _LONG else TEXT_LIMIT


def plain(value: Any) -> str:
    """A native value as the text by which value maps and filters name it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip()


def clean(value: str) -> str:
    """Text without control and invisible characters and without space around it."""
    if value.isprintable():  # plain text is by far the most common
        return value.strip()
    return _BAD.sub("", value.replace("\t", " ").replace("\r\n", "\n").replace("\r", "\n")).strip()


def text(limit: int) -> Convert:
    """Text of at most `limit` characters."""

    def convert(value: Any) -> str | None:
        if not isinstance(value, str):
            if isinstance(value, dict | list):
                raise Unfit("not_text", "is not a text")
            value = plain(value)
        cleaned = clean(value)
        if len(cleaned) > limit:
            raise Unfit("too_long", f"is longer than {limit} characters and was cut", cleaned[:limit].rstrip())
        return cleaned or None

    return convert


def whole_number(value: Any) -> int | None:
    """A number without fraction."""
    if type(value) is int and -_MAX_NUMBER < value < _MAX_NUMBER:
        return value
    number = _number(value, "not_a_number", "is not a whole number")
    if number is None:
        return None
    if number != number.to_integral_value():
        raise Unfit("not_a_number", "is not a whole number")
    if not -_MAX_NUMBER < number < _MAX_NUMBER:
        raise Unfit("absurd_number", "is absurdly large")
    return int(number)


def count(value: Any) -> int | None:
    """A whole number that cannot be negative."""
    number = whole_number(value)
    if number is not None and number < 0:
        raise Unfit("absurd_number", "is less than nothing")
    return number


def factor(value: Any) -> Decimal | None:
    """A number above nothing, such as an exchange rate."""
    number = amount(value)
    if number is not None and number <= 0:
        raise Unfit("absurd_number", "is not above nothing")
    return number


def yes_no(value: Any) -> bool | None:
    """True or false, also as the words and digits in which systems say it."""
    if isinstance(value, bool):
        return value
    word = plain(value).lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    if not word:
        return None
    raise Unfit("not_yes_or_no", "is neither true nor false")


def day(value: Any) -> date | None:
    """A day; of an instant, its day in UTC, because HubSpot keeps dates as midnight in UTC."""
    if isinstance(value, str) and len(value) == 10:
        try:
            return _plausible(date.fromisoformat(value))
        except ValueError:
            pass
    moment = _moment(value)
    if moment is None:
        return None
    return _plausible(moment.astimezone(UTC).date() if moment.tzinfo else moment.date())


def instant(value: Any) -> datetime | None:
    """An aware instant in UTC. A bare day is its first instant, kept with a problem: its time of day is unknown."""
    moment = _moment(value)
    if moment is None:
        return None
    if moment.tzinfo is None:
        return _without_zone(str(value).strip(), moment)
    if moment.tzinfo is not UTC:
        moment = _in_utc(moment)
    _plausible(moment.date())
    return moment


def dated(of: Callable[[Any], Any], format: str) -> Convert:
    """`of` for dates that are written in a way of their own."""
    has_clock = any(f"%{letter}" in format for letter in "HIMSpXcTR")

    def convert(value: Any) -> Any:
        said = plain(value)
        if not said:
            return None
        try:
            moment = datetime.strptime(said, format)  # noqa: DTZ007 (the zone is added by what reads it)
        except ValueError:
            raise Unfit("not_a_date", "is not a date as the mapping says it is written") from None
        return of(moment.isoformat() if has_clock or moment.time() != time.min else moment.date().isoformat())

    return convert


def zoned(zone: str) -> Convert:
    """An instant, written as the clocks of `zone` show it where it names no zone itself; a bare day is its midnight.

    An hour that the clocks show twice is its first, one that they leave out is as if they had not.
    """
    here = ZoneInfo(zone)

    def convert(value: Any) -> datetime | None:
        moment = _moment(value)
        if moment is None:
            return None
        moment = _in_utc(moment.replace(tzinfo=here) if moment.tzinfo is None else moment)
        _plausible(moment.date())
        return moment

    return convert


def to_its_end(of: Convert) -> Convert:
    """`of` for an end: what ends on a bare day ends with that day, at the first instant of the next one."""

    def convert(value: Any) -> Any:
        last = _bare_day(value.strip()) if isinstance(value, str) else None
        if last is None or last >= _LAST_DAY:
            return of(value)
        try:
            return of((last + timedelta(days=1)).isoformat())
        except Unfit as found:
            if found.code != "day_only":
                raise
            raise Unfit(found.code, "is a day without a time; the end of it in UTC was taken", found.kept) from None

    return convert


def _bare_day(said: str) -> date | None:
    try:
        return date.fromisoformat(said) if len(said) == 10 else None
    except ValueError:
        return None


def with_comma(of: Convert) -> Convert:
    """`of` for numbers that are written 1.234,56."""

    def convert(value: Any) -> Any:
        said = plain(value) if isinstance(value, str) else value
        if isinstance(said, str):
            if "," in said and "." in said.partition(",")[2]:
                raise Unfit("not_a_number", "has a point after its comma")
            said = said.replace(".", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
        return of(said)

    return convert


def amount(value: Any) -> Decimal | None:
    """An exact decimal number."""
    number = _number(value, "not_an_amount", "is not an amount")
    if number is not None and not -_MAX_AMOUNT < number < _MAX_AMOUNT:
        raise Unfit("absurd_amount", "is absurdly large")
    return number


def money(value: Any, currency: Any) -> Money | None:
    """An amount with the currency it is in, None when there is no amount."""
    number = amount(value) if value is not None else None
    if number is None:
        return None
    code = plain(currency).upper() if currency is not None else ""
    if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
        raise Unfit("not_a_currency", "has a currency that is no three-letter code", Money(number, None))
    return Money(number, code or None)


def status(value: Any) -> FiledStatus | None:
    """The status of a filing in our words."""
    word = plain(value).lower()
    try:
        return FiledStatus(word) if word else None
    except ValueError:
        raise Unfit("unknown_value", "is no status that syncd knows") from None


def parts(value: Any, separator: str) -> list[str]:
    """The single values of a multi-select, without blanks."""
    items = value if isinstance(value, list | tuple) else str(value).split(separator)
    return [item for item in (clean(plain(item)) for item in items) if item]


def looked_up(values: Mapping[str, Any], default: Any = None) -> Convert:
    """What the value map says; without a default, a value that it does not name is a problem."""
    folded = {key.casefold(): value for key, value in values.items()}

    def convert(value: Any) -> Any:
        word = plain(value)
        if word in values:
            return values[word]
        if not word:
            return None
        if (found := folded.get(word.casefold())) is not None:
            return found
        if default is None:
            raise Unfit("unknown_value", "is not named in the value map")
        return default

    return convert


def _number(value: Any, code: str, message: str) -> Decimal | None:
    if isinstance(value, bool):
        raise Unfit(code, message)
    said = repr(value) if isinstance(value, float) else plain(value)
    if not said:
        return None
    try:
        number = Decimal(said.replace(",", "") if _GROUPED.fullmatch(said) else said)
    except InvalidOperation:
        raise Unfit(code, message) from None
    if not number.is_finite() or number.adjusted() > 30 or "_" in said:
        raise Unfit(code, message)
    return number


def _moment(value: Any) -> datetime | None:
    """A point in time as written, with or without its zone."""
    if isinstance(value, str):
        value = value.strip()
        if not value:
            return None
        if len(value) > 8 and value.lstrip("-").isdecimal():
            return _from_milliseconds(int(value[:25]))
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise Unfit("not_a_date", "is not a date") from None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _from_milliseconds(value)
    raise Unfit("not_a_date", "is not a date")


def _from_milliseconds(value: float) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except (OverflowError, ValueError):
        _implausible()


def _without_zone(said: str, moment: datetime) -> datetime:
    if len(said) != 10:
        raise Unfit("no_zone", "is a time without its time zone")
    _plausible(moment.date())
    raise Unfit("day_only", "is a day without a time; its first instant in UTC was taken", moment.replace(tzinfo=UTC))


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        _implausible()


def _plausible(value: date) -> date:
    if not _FIRST_DAY <= value <= _LAST_DAY:
        _implausible()
    return value


def _implausible() -> NoReturn:
    raise Unfit("implausible_date", "is a date before 1970 or after 2200")


def shown(value: Any) -> str:
    """A value as it may stand in a message: printable and short."""
    said = "".join(char if char.isprintable() else " " for char in str(value)[:200]).strip()
    return said if len(said) <= 60 else said[:59] + "…"
