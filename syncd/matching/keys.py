"""The keys by which records find each other: short strings of many kinds, so that one shared detail is enough.

Kinds: `t` word, `j` two neighbouring words joined, `w` whole name joined, `s` first two words sorted, `b` and `e`
beginning and end of the joined name (they survive a typing error elsewhere), `a` initials, `d` domain, `l` its
label, `p` postcode, `n` house number with street word, `f` telephone, `x` tax or register number.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from syncd.matching.names import Name, fold
from syncd.matching.parse import Parsed

MOST_KEYS = 80
_EDGE = 6  # letters of the joined name's beginning and end


def keys(parsed: Parsed) -> tuple[str, ...]:
    """The keys under which a record is stored."""
    found: list[str] = []
    for name in parsed.names:
        found += _name_keys(name)
    found += _other_keys(parsed)
    return tuple(dict.fromkeys(found))[:MOST_KEYS]


def query_keys(parsed: Parsed) -> tuple[str, ...]:
    """The keys with which a record searches: its own, and its name read as a domain, its domain as a name."""
    found = dict.fromkeys(keys(parsed))
    for name in parsed.names:
        found.update(dict.fromkeys(_guesses(name)))
    if len(parsed.label) >= 4:
        label = fold(parsed.label.replace("-", ""))
        found.update(dict.fromkeys((f"w:{label}", f"t:{label}", f"j:{label}")))
    return tuple(found)[: MOST_KEYS + 20]


def _name_keys(name: Name) -> Iterator[str]:
    folds = name.folds
    yield f"w:{name.joined[:60]}"
    for word in folds:
        yield f"t:{word}"
    for first, second in pairwise(folds):
        yield f"j:{first}{second}"
    if len(folds) >= 2:
        yield "s:" + "".join(sorted(folds[:2]))
    if len(name.joined) >= _EDGE + 2:
        yield f"b:{name.joined[:_EDGE]}"
        yield f"e:{name.joined[-_EDGE:]}"
    if len(folds) >= 3:
        yield "a:" + "".join(word[0] for word in folds)


def _other_keys(parsed: Parsed) -> Iterator[str]:
    if parsed.domain:
        yield f"d:{parsed.domain}"
        yield f"l:{fold(parsed.label.replace('-', ''))}"
    if parsed.postcode:
        yield f"p:{parsed.postcode}"
    for number in sorted(parsed.numbers)[:3]:
        for word in sorted(parsed.street, key=lambda w: (-len(w), w))[:2]:
            yield f"n:{number}{word}"
    if parsed.phone:
        yield f"f:{parsed.phone[-8:]}"
    for tax_id in parsed.tax_ids:
        yield f"x:{tax_id}"


def _guesses(name: Name) -> Iterator[str]:
    """The name as a domain label or as one word; a short single word as somebody's initials, and the reverse."""
    yield f"l:{name.joined[:60]}"
    yield f"t:{name.joined[:40]}"
    yield f"j:{name.joined[:60]}"
    if len(name.folds) == 1 and 3 <= len(name.joined) <= 6:
        yield f"a:{name.joined}"
    if len(name.folds) >= 3:
        yield "t:" + "".join(word[0] for word in name.folds)
    for word in name.folds:
        if len(word) >= 8:
            yield f"j:{word}"
        if len(word) >= 4:
            yield f"l:{word}"
    for first, second in pairwise(name.folds):
        yield f"l:{first}{second}"
