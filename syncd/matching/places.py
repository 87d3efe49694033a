"""Reads what else identifies a company: web domain, telephone, postcode, street, country, numbers of registers."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import tldextract

from syncd.matching import phones
from syncd.matching.names import plain
from syncd.matching.tables import COUNTRIES, FREE_MAIL, PLACEHOLDERS, SERVICE_HOSTS, STREET_WORDS

_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/@\s]*@)?([^/:?#\s]+)", re.IGNORECASE)
_ALNUM = re.compile(r"[a-z0-9]+")
_UK_POSTCODE = re.compile(r"\b([a-z]{1,2}\d[a-z\d]?)\s*(\d[a-z]{2})\b")
_NO_DIGITS = re.compile(r"[^0-9]+")
_STREET_NUMBER = re.compile(r"^\d{1,5}[a-z]?$")


@lru_cache(maxsize=65536)
def domain_of(website: str | None, email: str | None = None) -> tuple[str, str]:
    """The registrable domain and its label, from the web site or else the e-mail address; blank when it tells nothing.

    Free-mail hosts and hosts of documents, forms and site builders are shared by everybody and count as blank.
    """
    for host in (_host(website), _host((email or "").rpartition("@")[2])):
        if not host or "." not in host or host in SERVICE_HOSTS:
            continue
        parts = _suffixes(host)
        domain = f"{parts.domain}.{parts.suffix}" if parts.domain and parts.suffix else ""
        if domain and domain not in FREE_MAIL and domain not in SERVICE_HOSTS:
            return domain[:80], parts.domain[:60]
    return "", ""


def _host(text: str | None) -> str:
    found = _HOST.match((text or "")[:200].strip().lower())
    host = found.group(1).strip(".") if found else ""
    return host if host.isascii() else host.encode("ascii", "ignore").decode()


@lru_cache(maxsize=65536)
def phone_of(phone: str | None, country: str | None) -> str:
    """`+` and the international number where it can be read, else its last 8 digits; blank when shorter than 6."""
    text = (phone or "")[:40]
    digits = _NO_DIGITS.sub("", text)
    if len(digits) < 6 or len(set(digits)) < 3:
        return ""
    if text.strip().startswith("+") or country:
        plainly = phones.read(text, country)
        if plainly is not None:
            return plainly or digits[-8:]
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            return digits[-8:]
        if phonenumbers.is_possible_number(number):
            return f"+{number.country_code}{number.national_number}"
    return digits[-8:]


def country_of(text: str | None) -> str | None:
    """ISO 3166 code of a country written as a name or code in one of many languages; None when unknown."""
    name = " ".join(_ALNUM.findall(plain(text, 60).replace(".", "")))
    return COUNTRIES.get(name)


def postcode_of(text: str | None, country: str | None = None) -> str:
    """A postcode without spaces, upper case, leading zeros aside; blank for placeholders."""
    simple = plain(text, 20).strip()
    code = "".join(_ALNUM.findall(simple)).upper()
    if simple in PLACEHOLDERS or len(code) < 3 or len(set(code)) < 2:
        return ""
    if country == "US" and len(code) == 9 and code.isdigit():
        code = code[:5]
    return code.lstrip("0") if code.isdigit() else code


def uk_postcode_in(street: str | None) -> str:
    """The British postcode at the end of an address line, where the field for it is blank."""
    found = _UK_POSTCODE.findall(plain(street, 400))
    return "".join(found[-1]).upper() if found else ""


def street_of(street: str | None, postcode: str, city: str) -> tuple[frozenset[str], frozenset[str]]:
    """House numbers, and the words of a street address that tell it from others (unlike `Road` or the city)."""
    if not street:
        return frozenset(), frozenset()
    simple = _UK_POSTCODE.sub(" ", plain(street, 400))
    words = _ALNUM.findall(simple.replace("'", ""))[:40]
    dull = STREET_WORDS | set(city.split())
    code = postcode.lower()
    numbers = frozenset(word.lstrip("0") for word in words if _STREET_NUMBER.match(word) and word.upper() != postcode)
    telling = frozenset(w for w in words if len(w) > 2 and not w[0].isdigit() and w not in dull and w not in code)
    return numbers, telling


def city_of(text: str | None) -> str:
    """A city in plain words, without what stands in brackets or after a comma."""
    simple = re.split(r"[(,/]", plain(text, 60), maxsplit=1)[0]
    return " ".join(_ALNUM.findall(simple.replace("'", "")))


def tax_ids_of(vat: str | None, registration: str | None, duns: str | None, lei: str | None,
               country: str | None) -> tuple[str, ...]:  # fmt: skip
    """Numbers of registers as `kind:number`; numbers too short or of one repeated digit are blanks."""
    if not (vat or registration or duns or lei):
        return ()
    found = (("vat", vat), ("reg", registration), ("duns", duns), ("lei", lei))
    cleaned = ((kind, "".join(_ALNUM.findall(plain(text, 40))).upper()) for kind, text in found)
    return tuple(_tax_id(kind, code, country) for kind, code in cleaned if len(code) >= 5 and len(set(code)) > 2)


def _tax_id(kind: str, code: str, country: str | None) -> str:
    if kind == "vat" and country and code.startswith(country):
        code = code[2:]
    place = f"{country}." if kind == "reg" and country else ""
    return f"{kind}:{place}{code.lstrip('0') or code}"
