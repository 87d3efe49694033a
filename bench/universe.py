"""A generated universe of companies: a vendor's accounts, what partners filed, and the truth; the same for a seed.

    python -m bench.universe FOLDER --accounts 100000 --registrations 10000 [--seed 1]

Every company is a pure function of the seed and its number, so that nothing is kept in memory and any part can be made
alone. Rates are judged after the field's measurements (docs of matching), not fitted to any labelled set:

* Companies: 13 countries by share, names of five patterns (brand and trade, surnames, city and trade, two brands,
  letters). 22 % of the blocks of eight neighbours are groups: one brand and mostly one web domain, told apart by
  trade, city or country. 13 % of the companies are in no account.
* Accounts: 1.5 % are a second account of a company, typed again. Blank: website 25 %, phone 35 %, street 20 %,
  postcode 15 %, city 8 %, VAT number 80 %. 4 % have the host of an agency as web site, 3 % a free-mail address alone.
* Registrations: 60 % mean a company with an account, 15 % a company of the same world without one (often the sister of
  an account), 25 % strangers. Exactly one of `KINDS` befalls each; beside that 40 % lose the legal form, 25 % change
  case, 12 % lose accents, and fields are blank more often: website 40 %, phone 50 %, street 45 %, postcode 35 %, city
  20 %, country 5 %, VAT number 92 %. Of the telephones given, 45 % are another one than the account's.
"""

from __future__ import annotations

import argparse
import csv
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from bench.universe_words import CALLING, LANDS, SHORT, TONGUES, Land
from syncd.model import Account, Ref

FIELDS = ("id", "name", "other", "website", "email", "phone", "street", "city", "postcode", "country", "vat")

KINDS = {
    "plain": 0.34,
    "typo": 0.14,
    "abbreviation": 0.12,
    "other_domain": 0.08,
    "moved": 0.09,
    "last_word_dropped": 0.08,
    "word_order": 0.05,
    "acronym": 0.03,
    "former_name": 0.05,
    "legal_form_changed": 0.02,
}
"""What befalls a registration, and how often."""

_BLOCK, _GROUPS = 8, 0.22
_SEEN = tuple(n for n in range(23) if n not in (5, 13, 20))  # 20 of 23 companies have an account
_SECOND = 0.015
_MEANT, _SISTERS = 0.60, 0.75
_STRANGE = 1_000_000_000
_AGENCIES = ("webpages.agency", "sites.hosting", "myshop.site", "local-pages.com")
_FREE = ("gmail.com", "yahoo.com", "hotmail.com", "gmx.de", "outlook.com")
_SUFFIX = {"en": "& Sons", "de": "& Söhne", "fr": "et Fils", "es": "e Hijos", "it": "e Figli", "nl": "en Zonen"}


@dataclass(frozen=True, slots=True)
class Company:
    """A company as it is, before anybody types it. `words` is its name without the legal form."""

    number: int
    land: Land
    words: tuple[str, ...]
    form: str
    former: tuple[str, ...]
    site: str
    phone: str
    street: str
    city: str
    postcode: str
    vat: str


@dataclass(frozen=True, slots=True)
class Typed:
    """One row of a file, with what it truly means: the number of a company, and what befell it."""

    fields: tuple[str, ...]
    company: int
    kind: str = "plain"

    @property
    def id(self) -> str:
        """The id in its file."""
        return self.fields[0]


def company(seed: int, number: int) -> Company:
    """The company of a number."""
    chance = Random(seed * 2_000_003 + number * 7 + 1)
    block = Random(seed * 2_000_003 + (number // _BLOCK) * 7 + 3)
    grouped = block.random() < _GROUPS
    home = _land(block.random())
    land = home if grouped and chance.random() < 0.7 else _land(chance.random())
    words = _group_words(block, chance, land) if grouped else _words(chance, land)
    shared = grouped and chance.random() < 0.7
    telling = words[:1] if shared or chance.random() < 0.35 else words[:2]
    ending = land.ending if chance.random() < 0.65 and not shared else "com"
    former = _words(chance, land) if chance.random() < 0.5 else (_brand(chance, land), *words[1:])
    city, street = chance.choice(land.cities), _street(chance, land)
    return Company(
        number, land, words, chance.choice(land.forms[: 2 if chance.random() < 0.6 else None]), former,
        f"{_host(telling)}.{ending}", _phone(chance, land), street, city, _postcode(chance, land, city),
        _shaped(chance, land.vat),
    )  # fmt: skip


def account_of(seed: int, at: int, accounts: int) -> Typed:
    """Row `at` of the vendor's accounts; the last ones are second accounts of earlier companies."""
    first = accounts - int(accounts * _SECOND)
    chance = Random(seed * 3_000_017 + at * 11 + 5)
    place = at if at < first else chance.randrange(first)
    meant = company(seed, _number(place))
    fields = _fields(meant, chance, _Blank(0.25, 0.35, 0.20, 0.15, 0.08, 0.0, 0.80))
    name = _name(meant.words, meant.form)
    if at >= first:
        name = _retyped(name, chance)
        fields["phone"] = fields["phone"] and _phone(chance, meant.land)
    fields |= {"id": f"001{at:09d}", "name": name}
    if chance.random() < 0.01:
        fields["other"] = _name(meant.former, meant.form)
    return _typed(fields, meant.number)


def registration_of(seed: int, at: int, accounts: int) -> Typed:
    """Row `at` of what partners filed."""
    chance = Random(seed * 5_000_011 + at * 13 + 9)
    meant = company(seed, _meant(chance, accounts))
    kind = _pick(KINDS, chance.random())
    fields = _fields(meant, chance, _Blank(0.40, 0.50, 0.45, 0.35, 0.20, 0.05, 0.92))
    words, form = _BEFALLS.get(kind, _nothing)(meant, chance)
    fields |= _moved(meant, chance) if kind == "moved" else {}
    if kind == "other_domain" or (kind == "former_name" and chance.random() < 0.5):
        fields["website"] = fields["website"] and f"{_host((_brand(chance, meant.land),))}.{meant.land.ending}"
    if fields["phone"] and chance.random() < 0.45:
        fields["phone"] = _phone(chance, meant.land)
    name = " ".join(words) if chance.random() < 0.40 else _name(words, form)
    fields |= {"id": f"R-{at:07d}", "name": _cased(name, chance)}
    return _typed(fields, meant.number, kind)


def accounts(seed: int, count: int, start: int = 0, stop: int | None = None) -> Iterator[Typed]:
    """All accounts, or a stretch of them."""
    return (account_of(seed, at, count) for at in range(start, count if stop is None else stop))


def registrations(seed: int, count: int, accounts: int, start: int = 0, stop: int | None = None) -> Iterator[Typed]:
    """All registrations over so many accounts, or a stretch of them."""
    return (registration_of(seed, at, accounts) for at in range(start, count if stop is None else stop))


def as_account(side: str, row: tuple[str, ...] | list[str]) -> Account:
    """A row of a file as the matcher reads it."""
    id_, name, other, website, email, phone, street, city, postcode, country, vat = row
    return Account(
        ref=Ref(side, "company", id_), name=name or None, other_names=(other,) if other else (),
        website=website or None, email=email or None, phone=phone or None, street=street or None, city=city or None,
        postcode=postcode or None, country=country or None, vat_number=vat or None,
    )  # fmt: skip


def read(path: Path, side: str) -> Iterator[Account]:
    """The accounts of a file that `write` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from (as_account(side, row) for row in csv.reader(file))


def write(folder: Path, seed: int, count: int, filed: int, shards: int = 40) -> None:
    """Files without headers: accounts-NN.csv, registrations.csv, and truth in accounts.truth, registrations.truth."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-count // shards)
    with (folder / "accounts.truth").open("w") as truth:
        for shard in range(shards):
            stretch = accounts(seed, count, shard * size, min(count, (shard + 1) * size))
            _write(folder / f"accounts-{shard:02d}.csv", stretch, truth.write)
    with (folder / "registrations.truth").open("w") as truth:
        _write(folder / "registrations.csv", registrations(seed, filed, count), truth.write)


def _write(path: Path, rows: Iterator[Typed], told: Callable[[str], object]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            writer.writerow(row.fields)
            told(f"{row.id},{row.company},{row.kind}\n")


# --- what a company is -----------------------------------------------------------------------------------------------


def _number(place: int) -> int:
    return place // len(_SEEN) * 23 + _SEEN[place % len(_SEEN)]


def _meant(chance: Random, accounts: int) -> int:
    first = accounts - int(accounts * _SECOND)
    draw, place = chance.random(), int(first * chance.random() ** 1.3)
    if draw < _MEANT:
        return _number(place)
    if draw < _SISTERS:
        return place // len(_SEEN) * 23 + chance.choice((5, 13, 20))
    return _STRANGE + chance.randrange(_STRANGE)


def _land(draw: float) -> Land:
    for land in LANDS:
        draw -= land.share
        if draw < 0:
            return land
    return LANDS[0]


def _skewed(chance: Random, words: tuple[str, ...]) -> str:
    return words[int(len(words) * chance.random() ** 1.6)]


def _brand(chance: Random, land: Land) -> str:
    tongue, draw = TONGUES[land.tongue], chance.random()
    stem = _skewed(chance, tongue.stems)
    if draw < 0.15:
        return stem + _skewed(chance, tongue.endings)
    middle = chance.choice("bdfgklmnprstvz") + chance.choice("aeiou")
    return stem + (_skewed(chance, tongue.stems).lower() if draw < 0.6 else middle) + chance.choice(tongue.endings)


def _words(chance: Random, land: Land) -> tuple[str, ...]:
    tongue, draw = TONGUES[land.tongue], chance.random()
    trade = (_skewed(chance, tongue.trades),)
    if chance.random() < 0.25:
        trade += (_skewed(chance, tongue.trades),) if chance.random() < 0.7 else (chance.choice(land.cities),)
    if draw < 0.42:
        return (_brand(chance, land), *trade)
    if draw < 0.62:
        suffix = _SUFFIX.get(land.tongue) if chance.random() < 0.2 else None
        joined = (tongue.joint, _brand(chance, land)) if chance.random() < 0.4 else ()
        return (_brand(chance, land), *(tuple(suffix.split()) if suffix else joined), *trade[: chance.randrange(2)])
    if draw < 0.72:
        return (chance.choice(land.cities), *trade, _skewed(chance, tongue.trades))
    if draw < 0.90:
        return (_brand(chance, land), _brand(chance, land), *trade[: chance.randrange(2)])
    letters = "".join(chance.choice("ABCDEFGHIKLMNOPRSTVWZ") for _ in range(chance.choice((2, 3, 3, 4))))
    return (letters, *trade) if draw < 0.97 else (_brand(chance, land), str(chance.randrange(2, 99)), *trade)


def _group_words(block: Random, chance: Random, land: Land) -> tuple[str, ...]:
    brand, draw = _brand(block, _land(block.random())), chance.random()
    if draw < 0.5:
        return (brand, _skewed(chance, TONGUES[land.tongue].trades))
    if draw < 0.7:
        return (brand, _skewed(chance, TONGUES[land.tongue].trades), chance.choice(land.cities))
    if draw < 0.85:
        return (brand, chance.choice(("Holding", "Group", "International", "Europe")))
    return (brand, _COUNTRY.get(land.code, land.code))


_COUNTRY = {"US": "America", "GB": "UK", "DE": "Deutschland", "FR": "France", "ES": "España", "IT": "Italia",
            "NL": "Nederland", "SE": "Sverige", "PL": "Polska", "BR": "do Brasil", "AT": "Austria", "CH": "Schweiz",
            "JP": "Japan"}  # fmt: skip


def _host(words: tuple[str, ...]) -> str:
    text = _bare("".join(words)).lower()
    return "".join(c for c in text if c.isalnum()) or "site"


def _street(chance: Random, land: Land) -> str:
    tongue = TONGUES[land.tongue]
    word = _skewed(chance, tongue.stems) + chance.choice(("", "", _skewed(chance, tongue.endings)))
    line, number = chance.choice(tongue.streets).format(word), chance.randrange(1, 240)
    return f"{number} {line}" if land.code in ("US", "GB", "FR") else f"{line} {number}"


def _postcode(chance: Random, land: Land, city: str) -> str:
    """The first two signs follow the city, so that neighbours have neighbouring codes."""
    digits = f"{land.cities.index(city) * 7 + 10:02d}"[:2]
    code = _shaped(chance, land.postcode)
    if land.code == "GB":
        return city[:2].upper() + code[2:]
    return digits + code[2:] if code[:2].isdigit() else code


def _phone(chance: Random, land: Land) -> str:
    local = _shaped(chance, land.phone)
    if chance.random() < 0.5:
        return local
    digits = "".join(c for c in local if c.isdigit())
    national = digits if land.code in ("IT", "ES", "PL", "US", "BR") else digits.lstrip("0")
    return f"+{CALLING[land.code]} {national[:3]} {national[3:]}"


def _shaped(chance: Random, shape: str) -> str:
    """Digits for 9 and letters for A; the first digit is no zero."""
    made = [chance.choice("123456789") if c == "9" else chance.choice("ABCDEFGHJKLMNPRSTUWX") if c == "A" else c
            for c in shape]  # fmt: skip
    return "".join(made)


# --- how it is typed -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Blank:
    """How often each field is left blank."""

    website: float
    phone: float
    street: float
    postcode: float
    city: float
    country: float
    vat: float


def _fields(meant: Company, chance: Random, blank: _Blank) -> dict[str, str]:
    fields = dict.fromkeys(FIELDS, "")
    values = {"website": meant.site, "phone": meant.phone, "street": meant.street, "postcode": meant.postcode,
              "city": meant.city, "country": meant.land.code, "vat": meant.vat}  # fmt: skip
    for field, value in values.items():
        fields[field] = "" if chance.random() < getattr(blank, field) else value
    draw = chance.random()
    if fields["website"] and draw < 0.04:
        fields["website"] = f"https://{_host(meant.words[:1])}.{chance.choice(_AGENCIES)}/"
    elif fields["website"] and draw < 0.55:
        fields["website"] = f"{chance.choice(('https://www.', 'http://', 'www.'))}{fields['website']}"
    elif draw > 0.85:
        fields["email"] = f"info@{chance.choice(_FREE) if draw > 0.97 else meant.site}"
    return fields


def _typed(fields: dict[str, str], number: int, kind: str = "plain") -> Typed:
    return Typed(tuple(fields[field] for field in FIELDS), number, kind)


def _name(words: tuple[str, ...], form: str) -> str:
    return f"{' '.join(words)} {form}".strip()


def _retyped(name: str, chance: Random) -> str:
    return _cased(_mistyped(name, chance) if chance.random() < 0.3 else name, chance)


def _cased(name: str, chance: Random) -> str:
    if chance.random() < 0.12:
        name = _bare(name)
    return chance.choice((name.upper(), name.lower(), name.title())) if chance.random() < 0.25 else name


def _bare(text: str) -> str:
    text = text.replace("ß", "ss").replace("Ł", "L").replace("ł", "l")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _nothing(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    return meant.words, meant.form


def _typo(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    words = list(meant.words)
    at = max(range(len(words)), key=lambda i: (len(words[i]) >= 4, chance.random()))
    words[at] = _mistyped(words[at], chance)
    return tuple(words), meant.form


def _mistyped(word: str, chance: Random) -> str:
    """A letter left out, doubled, exchanged with its neighbour, or another one."""
    if len(word) < 4:
        return word
    at, kind = chance.randrange(len(word) - 1), chance.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1 :]
    if kind == 1:
        return word[: at + 1] + word[at:]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[: at + 1] + chance.choice("aeiounrstl") + word[at + 2 :]


def _abbreviated(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    short = tuple(chance.choice(SHORT[word]) if word in SHORT else word for word in meant.words)
    if short == meant.words and len(short) > 1:
        short = (*short[:-1], short[-1][: chance.choice((3, 4))] + ".")
    return short, meant.form


def _cut(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    return meant.words[:-1] or meant.words, ""


def _turned(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    words = list(meant.words)
    chance.shuffle(words)
    return tuple(words), meant.form


def _initials(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    letters = "".join(word[0].upper() for word in meant.words if word[0].isalpha())
    return ((letters,) if len(letters) >= 2 else meant.words), meant.form


def _former(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    return meant.former, meant.form


def _reformed(meant: Company, chance: Random) -> tuple[tuple[str, ...], str]:
    return meant.words, chance.choice(meant.land.forms)


def _moved(meant: Company, chance: Random) -> dict[str, str]:
    city = chance.choice(meant.land.cities)
    there = replace(meant, city=city, street=_street(chance, meant.land), postcode=_postcode(chance, meant.land, city))
    return {"city": there.city, "street": there.street, "postcode": there.postcode}


_BEFALLS = {"typo": _typo, "abbreviation": _abbreviated, "last_word_dropped": _cut, "word_order": _turned,
            "acronym": _initials, "former_name": _former, "legal_form_changed": _reformed}  # fmt: skip


def _pick(rates: dict[str, float], draw: float) -> str:
    for name, rate in rates.items():
        draw -= rate
        if draw < 0:
            return name
    return next(iter(rates))


def main() -> None:
    """Write a universe to files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--registrations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    write(asked.folder, asked.seed, asked.accounts, asked.registrations)


if __name__ == "__main__":
    main()
