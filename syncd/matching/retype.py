"""Types a company as a busy partner does: training needs such records, and public sets of labelled pairs have few."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from syncd.matching.tables import ABBREVIATIONS, LEGAL
from syncd.model import Account, Ref

# How often each thing happens to a record; judged, not measured. Several may happen to one record.
_DROPS_FORM, _SHORTENS, _MISTYPES, _DROPS_LAST, _CHANGES_CASE = 0.45, 0.2, 0.2, 0.06, 0.5
_NO_WEBSITE, _NO_POSTCODE, _NO_STREET, _NO_PHONE = 0.35, 0.25, 0.35, 0.4

_SHORT_FORMS: dict[str, list[str]] = {}
for _short, _full in ABBREVIATIONS.items():
    if 2 <= len(_short) <= len(_full) - 3:
        _SHORT_FORMS.setdefault(_full, []).append(_short)


def retyped(account: Account, seed: int = 1) -> Account:
    """The same company under the same system's id with `~` after it, typed again; the same in every run."""
    chance = Random(f"{seed}|{account.ref}")  # noqa: S311 - repeatable on purpose
    return replace(
        account,
        ref=Ref(account.ref.connection, account.ref.object, f"{account.ref.id}~"),
        name=_retyped_name(account.name or "", chance) or None,
        website=None if chance.random() < _NO_WEBSITE else account.website,
        postcode=None if chance.random() < _NO_POSTCODE else account.postcode,
        street=None if chance.random() < _NO_STREET else account.street,
        phone=None if chance.random() < _NO_PHONE else account.phone,
    )


def _retyped_name(name: str, chance: Random) -> str:
    words = name.split()
    if chance.random() < _DROPS_FORM and len(words) > 1 and (_plain(words[-1]),) in LEGAL.end:
        words = words[:-1]
    if chance.random() < _SHORTENS:
        words = [_shortened(word, chance) for word in words]
    if chance.random() < _DROPS_LAST and len(words) > 2:
        words = words[:-1]
    if chance.random() < _MISTYPES and words:
        at = max(range(len(words)), key=lambda i: len(words[i]))
        words[at] = _mistyped(words[at], chance)
    cases: tuple[Callable[[str], str], ...] = (str.upper, str.lower, str.title)
    text = " ".join(words)
    return chance.choice(cases)(text) if chance.random() < _CHANGES_CASE else text


def _plain(word: str) -> str:
    return word.lower().replace(".", "").strip(",()")


def _shortened(word: str, chance: Random) -> str:
    shorts = _SHORT_FORMS.get(word.lower())
    return chance.choice(shorts).title() if shorts else word


def _mistyped(word: str, chance: Random) -> str:
    """One letter left out, doubled, exchanged with its neighbour, or another one."""
    if len(word) < 5:
        return word
    at = chance.randrange(1, len(word) - 1)
    kind = chance.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[: at + 1] + word[at:]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + chance.choice("aeinorst") + word[at + 1 :]
