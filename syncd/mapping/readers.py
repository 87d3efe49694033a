"""Compiles what a mapping file says about a field into one fast function over a record's native fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.mapping import convert
from syncd.mapping.convert import Convert, Unfit
from syncd.mapping.fields import Canonical, FieldKind, converter
from syncd.mapping.specs import Source

ENDS = frozenset({"protected_until"})
"""Instants at which something ends: what ends on a day without a time ends with that day."""

Fields = Mapping[str, Any]
Read = Callable[[Fields], Any]
"""From a record's native fields to one canonical value, None where it has none. Raises Unfit."""


def reader(about: Canonical, source: Source) -> Read:
    """How one canonical field is read."""
    if source.const is not None:
        return _constant(about, source.const)
    if source.template:
        return _template(about, source.template)
    if about.kind is FieldKind.MONEY:
        return _money(source)
    if about.kind in (FieldKind.CODES, FieldKind.TEXTS):
        return _several(about, source)
    read = _native(about, source)
    return read if source.default is None else _or_default(read, source.default)


def _constant(about: Canonical, value: Any) -> Read:
    if about.kind is FieldKind.CODES:
        value = frozenset({value})
    elif about.kind is FieldKind.TEXTS:
        value = (value,)
    return lambda fields: value


def _native(about: Canonical, source: Source) -> Read:
    if source.values is not None:
        return _converted(source.fields, convert.looked_up(source.values, source.default))
    if about.kind is FieldKind.TEXT and len(source.fields) == 1:
        return _text(about, source.fields[0])
    return _converted(source.fields, _written(about, source))


def _written(about: Canonical, source: Source) -> Convert:
    """The field's converter, for values in the way of writing that the mapping says."""
    to_ours = converter(about.name, about.kind) if source.zone is None else convert.zoned(source.zone)
    if about.name in ENDS:
        to_ours = convert.to_its_end(to_ours)
    if source.format is not None:
        to_ours = convert.dated(to_ours, source.format)
    return convert.with_comma(to_ours) if source.decimal_comma else to_ours


def _template(about: Canonical, pieces: tuple[str, ...]) -> Read:
    """A blank field goes together with the text before it, so that `{Street}, {City}` is never `, Leeds`."""
    to_ours = convert.text(convert.text_limit(about.name))

    def read(fields: Fields) -> Any:
        said = ""
        for before, native in zip(pieces[::2], pieces[1::2], strict=False):
            value = fields.get(native)
            if value is not None and (word := convert.clean(convert.plain(value))):
                said += (before if said else pieces[0]) + word
        return to_ours(said + pieces[-1]) if said else None

    return read


def _text(about: Canonical, native: str) -> Read:
    """The common case, kept short: a text that needs nothing but a strip."""
    limit = convert.text_limit(about.name)
    slow = convert.text(limit)

    def read(fields: Fields) -> Any:
        value = fields.get(native)
        if value is None:
            return None
        if type(value) is str and len(value) <= limit and value.isprintable():
            return value.strip() or None
        return _of_list(value, slow) if type(value) is list else slow(value)

    return read


def _converted(natives: tuple[str, ...], to_ours: Convert) -> Read:
    if len(natives) == 1:
        native = natives[0]

        def read(fields: Fields) -> Any:
            value = fields.get(native)
            if value is None:
                return None
            return _of_list(value, to_ours) if type(value) is list else to_ours(value)

        return read

    def read_first(fields: Fields) -> Any:
        for native in natives:
            value = fields.get(native)
            if value is not None and (not isinstance(value, str) or value.strip()):
                return _of_list(value, to_ours) if type(value) is list else to_ours(value)
        return None

    return read_first


def _or_default(read: Read, default: Any) -> Read:
    def with_default(fields: Fields) -> Any:
        value = read(fields)
        return default if value is None else value

    return with_default


def _of_list(items: list[Any], to_ours: Convert) -> Any:
    """One id out of a list of associated ones: always the same one, with a problem when there are several."""
    ordered = sorted(map(convert.plain, items), key=lambda item: (len(item), item))
    value = to_ours(ordered[0]) if ordered else None
    if len(ordered) > 1:
        raise Unfit("several_values", "holds several values; the lowest was taken", value)
    return value


def _money(source: Source) -> Read:
    native, currency_field, currency = source.fields[0], source.currency_field, source.currency
    if source.decimal_comma:
        spoken = convert.with_comma(convert.amount)
        return lambda fields: (
            None
            if (value := fields.get(native)) is None or (number := spoken(value)) is None
            else convert.money(number, fields.get(currency_field) if currency_field else currency)
        )

    def read(fields: Fields) -> Any:
        value = fields.get(native)
        if value is None:
            return None
        return convert.money(value, fields.get(currency_field) if currency_field else currency)

    return read


def _several(about: Canonical, source: Source) -> Read:
    """A set of codes or some texts; a value that the map does not name is left out with a problem."""
    one = convert.text(convert.text_limit(about.name))
    to_ours = one if source.values is None else convert.looked_up(source.values, source.default)
    made: Callable[[list[Any]], Any] = frozenset if about.kind is FieldKind.CODES else tuple

    def read(fields: Fields) -> Any:
        taken, unfit = [], []
        for native in source.fields:
            if (value := fields.get(native)) is None:
                continue
            for part in convert.parts(value, source.split):
                try:
                    taken.append(to_ours(part))
                except Unfit as error:
                    unfit.append((part, error))
            if taken and about.kind is FieldKind.CODES:
                break
        if not taken and source.default is not None:
            taken = [source.default]
        kept = made(list(dict.fromkeys(taken))) if taken else None
        if unfit:
            names = ", ".join(convert.shown(part) for part, _ in unfit[:5])
            raise Unfit(unfit[0][1].code, f"{unfit[0][1].message}: {names}", kept)
        return kept

    return read
