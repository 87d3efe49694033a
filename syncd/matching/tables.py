"""The word tables of matching, read once from the package: legal forms, abbreviations, words, countries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files

Form = tuple[str, ...]


def _lines(name: str) -> Iterator[str]:
    text = files("syncd.matching").joinpath("data", name).read_text(encoding="utf-8")
    return (line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))


@dataclass(frozen=True, slots=True)
class LegalForms:
    """Which runs of words are a legal form, of which family, and where in a name they may stand."""

    end: Mapping[Form, str]
    anywhere: Mapping[Form, str]
    lead: Mapping[Form, tuple[str, frozenset[str]]]
    longest: int


def _legal_forms() -> LegalForms:
    end: dict[Form, str] = {}
    anywhere: dict[Form, str] = {}
    lead: dict[Form, tuple[str, frozenset[str]]] = {}
    for line in _lines("legal_forms.csv"):
        family, place, countries, forms = line.split(",", 3)
        if family == "family":
            continue
        for form in (tuple(form.split()) for form in forms.split("|")):
            end.setdefault(form, family)
            if place == "any":
                anywhere.setdefault(form, family)
            if place == "lead":
                lead.setdefault(form, (family, frozenset(countries.split())))
    return LegalForms(end, anywhere, lead, max(len(form) for form in end))


def _abbreviations() -> dict[str, str]:
    pairs = (line.split(":", 1) for line in _lines("abbreviations.csv"))
    found = {short: full for full, shorts in pairs for short in shorts.replace("'", "").split()}
    return {short: found.get(full, full) for short, full in found.items()}


def _words() -> dict[str, tuple[str, ...]]:
    pairs = (line.split(":", 1) for line in _lines("words.csv"))
    return {kind: tuple(words.split()) for kind, words in pairs}


def _countries() -> dict[str, str]:
    pairs = (line.split(":", 1) for line in _lines("countries.csv"))
    return {name.strip(): code for code, names in pairs for name in (code.lower(), *names.split("|"))}


def _cities() -> dict[str, str]:
    pairs = (line.split(":", 1) for line in _lines("cities.csv"))
    return {other.strip(): city for city, others in pairs for other in others.split("|")}


def _country_words() -> dict[str, str]:
    """Country names of one word, in any language -> ISO code; short codes only where they are read as a country."""
    short = {"uk": "GB", "usa": "US", "uae": "AE", "gb": "GB"}
    regions = {"england", "scotland", "wales", "georgia", "jersey", "america", "britain"}  # they tell companies apart
    long = {name: code for name, code in COUNTRIES.items() if len(name) > 4 and " " not in name}
    return {name: code for name, code in long.items() if name not in regions} | short


def _country_names() -> dict[str, str]:
    """ISO code -> the one word by which a country is called in compared names."""
    names: dict[str, str] = {}
    for word, code in COUNTRY_WORDS.items():
        names.setdefault(code, word)
    return names | {"GB": "uk", "US": "usa"}


def _numbers(kind: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in WORDS[kind])


LEGAL = _legal_forms()
ABBREVIATIONS = _abbreviations()
WORDS = _words()
COUNTRIES = _countries()
CITIES = _cities()
COUNTRY_WORDS = _country_words()
COUNTRY_NAMES = _country_names()
CONJUNCTIONS = frozenset(WORDS["conjunction"])
INNER = frozenset(WORDS["inner"])
STOP = frozenset(WORDS["stop"]) | frozenset(WORDS["article"])
PLACEHOLDERS = frozenset(WORDS["placeholder"])
GROUP_WORDS = frozenset(WORDS["group"])
TRADE_WORDS = frozenset(WORDS["trade"])
PLACE_WORDS = frozenset(WORDS["place"]) | {city for city in CITIES.values() if " " not in city}
STREET_WORDS = frozenset(WORDS["street"])
FREE_MAIL = frozenset(WORDS["freemail"])
SERVICE_HOSTS = frozenset(WORDS["service"])
ORDINALS = _numbers("ordinal")
NUMBER_WORDS = _numbers("number")
TENS = _numbers("tens")
ROMAN = _numbers("roman")
LAST_ROMAN = _numbers("lastroman")
