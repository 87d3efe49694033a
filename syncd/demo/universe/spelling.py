"""How people type a company: lazily in the portal, twice in the CRM, with the address taken apart."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

LEGAL_FORM = re.compile(
    r"[\s,]+\(?(?:limited|ltd|plc|llp|l\.l\.p|p\.l\.c|lp|cic|inc|s\.?a|sarl|b\.?v|gmbh|public limited company)\.?\)?$",
    re.IGNORECASE,
)
ABBREVIATIONS = (
    ("LIMITED", "Ltd"), (" AND ", " & "), ("INTERNATIONAL", "Intl"), ("MANAGEMENT", "Mgmt"), ("SERVICES", "Svcs"),
    ("MANUFACTURING", "Mfg"), ("UNIVERSITY", "Univ"), ("COMPANY", "Co"), ("ASSOCIATION", "Assoc"),
    ("ENGINEERING", "Eng"), ("COUNCIL", "Cncl"), ("HOLDINGS", "Hldgs"), ("SAINT ", "St "), ("ACADEMY", "Acad"),
)  # fmt: skip
COMMON = frozenset(
    ("group", "holdings", "holding", "uk", "gb", "services", "international", "europe", "company", "trading", "the")
)
NATIONS = frozenset(("united kingdom", "england", "scotland", "wales", "northern ireland", "uk", "gb", "great britain"))
_COUNTIES = """
    surrey, hampshire, berkshire, kent, west midlands, cheshire, lancashire, essex, west yorkshire,
    hertfordshire, middlesex, buckinghamshire, oxfordshire, leicestershire, nottinghamshire, wiltshire, suffolk,
    worcestershire, north yorkshire, staffordshire, norfolk, west sussex, dorset, tyne & wear, tyne and wear,
    derbyshire, shropshire, warwickshire, south yorkshire, somerset, devon, lincolnshire, gloucestershire,
    cornwall, bedfordshire, cambridgeshire, east yorkshire, merseyside, east sussex, northamptonshire, cumbria,
    county durham, fife, northumberland, oxon, greater manchester, lanarkshire, herts, aberdeenshire, avon,
    sussex, gwent, glos, herefordshire, ayrshire, renfrewshire, notts, middx, cleveland, midlothian, mid
    glamorgan, flintshire, stirlingshire, carmarthenshire, northants, cambs, perthshire, yorkshire, s yorkshire,
    bucks, lancs, berks, hants, leics, staffs, wilts, worcs, south glamorgan, west glamorgan, clwyd
"""
_CITIES = """
    london, manchester, birmingham, bristol, glasgow, edinburgh, leeds, cardiff, nottingham, aberdeen, derby,
    milton keynes, reading, leicester, stockport, sheffield, cambridge, liverpool, york, coventry, newcastle
    upon tyne, warrington, oxford, bath, wolverhampton, brighton, southampton, portsmouth, norwich, swindon,
    bradford, hull, plymouth, exeter, belfast, dundee, swansea, peterborough, northampton, preston, bolton,
    sunderland, watford, slough, crawley
"""

COUNTIES, CITIES = (
    frozenset(name.strip() for name in text.replace("\n", " ").split(",")) for text in (_COUNTIES, _CITIES)
)

# Kind of spelling and how many partners in a hundred use it.
TYPING = {
    "as_filed": 40,
    "legal_form_dropped": 22,
    "other_case": 12,
    "abbreviated": 10,
    "typo": 8,
    "trading_name": 8,
}
NO_WEBSITE, NO_POSTCODE, NO_STREET, NO_PHONE = 0.15, 0.08, 0.12, 0.5
"""Share of partner-typed companies without that field; never without website *and* postcode by laziness alone."""

DUPLICATES = {
    "legal_form_dropped": 30,
    "other_case": 15,
    "phone_only": 15,
    "typo": 15,
    "abbreviated": 10,
    "older_record": 15,
}
"""How the vendor's people typed an account a second time; `older_record` is the left list's entry of years ago."""

# Ranges that Ofcom keeps for drama: these numbers are never given to anybody. Area, start, digits after the start.
DRAMA = (
    ("0113", "496 0", 3), ("0114", "496 0", 3), ("0115", "496 0", 3), ("0116", "496 0", 3), ("0117", "496 0", 3),
    ("0118", "496 0", 3), ("0121", "496 0", 3), ("0131", "496 0", 3), ("0141", "496 0", 3), ("0151", "496 0", 3),
    ("0161", "496 0", 3), ("020", "7946 0", 3), ("0191", "498 0", 3), ("028", "9649 6", 3), ("029", "2018 0", 3),
    ("01632", "960", 3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Address:
    """One line taken apart; `city` is a guess: a well-known city in it, else the last part that is no county."""

    street: str
    city: str


def address(line: str, postcode: str) -> Address:
    parts = [part for part in (raw.strip() for raw in line.split(",")) if part]
    parts = [part for part in parts if part != postcode and part.lower() not in NATIONS]
    towns = [part for part in parts if part.lower() not in COUNTIES] or parts
    city = next((part for part in reversed(towns) if part.lower() in CITIES), towns[-1] if towns else "")
    return Address(", ".join(part for part in parts if part != city and part.lower() not in COUNTIES), city)


def host(website: str) -> str:
    return website.lower().removeprefix("www.")


def phone(number: int, style: int) -> str:
    """The drama number with that position, in one of five ways to write it."""
    area, start, digits = DRAMA[number % len(DRAMA)]
    local = f"{start}{number // len(DRAMA):0{digits}d}"
    return (
        f"{area} {local}",
        f"+44 {area[1:]} {local}",
        f"({area}) {local}",
        f"{area}{local}".replace(" ", ""),
        f"+44 (0){area[1:]} {local}",
    )[style % 5]


def legal_form_dropped(name: str, rng: random.Random) -> str:
    return LEGAL_FORM.sub("", name) or name


def other_case(name: str, rng: random.Random) -> str:
    return name.title() if name.isupper() else rng.choice((name.upper(), name.lower()))


def abbreviated(name: str, rng: random.Random) -> str:
    """Up to two long words shortened; a name without any loses its legal form."""
    short = name
    found = [pair for pair in ABBREVIATIONS if pair[0] in name.upper()]
    for word, abbreviation in found[:2]:
        short = re.sub(re.escape(word), abbreviation, short, count=1, flags=re.IGNORECASE)
    return short if found else legal_form_dropped(name, rng)


def typo(name: str, rng: random.Random) -> str:
    """Two letters swapped, one dropped or one doubled, inside a word of five letters or more."""
    places = [match.start() + k for match in re.finditer(r"[^\W\d_]{5,}", name) for k in range(1, len(match[0]) - 1)]
    if not places:
        return legal_form_dropped(name, rng)
    at = rng.choice(places)
    return rng.choice(
        (
            name[:at] + name[at + 1] + name[at] + name[at + 2 :],
            name[:at] + name[at + 1 :],
            name[:at] + name[at] + name[at:],
        )
    )


def trading_name(name: str, rng: random.Random) -> str:
    """What the customer calls itself: brackets, legal form and words like Group or UK left out, at most three words."""
    words = re.sub(r"\(.*?\)", " ", legal_form_dropped(name, rng)).replace(",", " ").split()
    kept = [word for word in words if word.lower().strip(".") not in COMMON]
    return " ".join((kept or words)[:3]).title() if words else name


SPELLINGS: dict[str, Callable[[str, random.Random], str]] = {
    "as_filed": lambda name, rng: name,
    "older_record": lambda name, rng: name,
    "phone_only": legal_form_dropped,
    "legal_form_dropped": legal_form_dropped,
    "other_case": other_case,
    "abbreviated": abbreviated,
    "typo": typo,
    "trading_name": trading_name,
}


def spell(name: str, shares: dict[str, int], rng: random.Random) -> tuple[str, str]:
    """The name as typed this time, and the kind of spelling it was."""
    kind = rng.choices(tuple(shares), tuple(shares.values()))[0]
    return SPELLINGS[kind](name, rng), kind
