"""Reads what else identifies a company: web domain, telephone, postcode, street, country, numbers of registers."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
import tldextract

from syncd.matching import phones
from syncd.matching.names import plain
from syncd.matching.tables import CITIES, COUNTRIES, FREE_MAIL, PLACEHOLDERS, SERVICE_HOSTS, STREET_WORDS

_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
_HOST = re.compile(r"^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/@\s]*@)?([^/:?#\s]+)", re.IGNORECASE)
_ALNUM = re.compile(r"[a-z0-9]+")
_UK_POSTCODE = re.compile(r"\b([a-z]{1,2}\d[a-z\d]?)\s*(\d[a-z]{2})\b")
_ZIP_PLUS_4 = re.compile(r"^\d{5}-\d{4}$")
_LAND_CODE = re.compile(r"^([A-Z]{1,3})(\d{4,6})$")
_CAR_CODES = {"DE": "D", "AT": "A", "FR": "F", "IT": "I", "BE": "B", "LU": "L", "SE": "S", "NO": "N", "FI": "FIN",
              "ES": "E", "PT": "P", "HU": "H", "SI": "SLO", "LI": "FL"}  # fmt: skip
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
    code = _without_land(code, country)
    if _ZIP_PLUS_4.match(simple) or (country == "US" and len(code) == 9 and code.isdigit()):
        code = code[:5]
    if country == "PT" and code.isdigit():
        code = code[:4]  # many leave out the three digits of the street
    return code.lstrip("0") if code.isdigit() else code


def _without_land(code: str, country: str | None) -> str:
    """`D-80331`, `SE-111 22`, `LV-1010`: the letters of a country before a code of digits are no part of it."""
    found = _LAND_CODE.match(code)
    if found and (country is None or found.group(1) in (country, _CAR_CODES.get(country))):
        return found.group(2)
    return code


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
    city = " ".join(word for word in _ALNUM.findall(simple.replace("'", "")) if not word.isdigit())
    return CITIES.get(city, city)


def tax_ids_of(vat: str | None, registration: str | None, duns: str | None, lei: str | None,
               country: str | None) -> tuple[str, ...]:  # fmt: skip
    """Numbers of registers as `kind:number`; numbers too short or of one repeated digit are blanks.

    Where a country's tax number is or contains the number of its register, that is one more, of the kind `one`: it
    can agree across the two fields.
    """
    if not (vat or registration or duns or lei):
        return ()
    found = (("vat", vat), ("reg", registration), ("duns", duns), ("lei", lei))
    cleaned = [(kind, _LABEL.sub("", "".join(_ALNUM.findall(plain(text, 40))).upper())) for kind, text in found]
    read = [(kind, _number(kind, code, country)) for kind, code in cleaned]
    known = [(kind, code) for kind, code in read if len(code) >= 5 and len(set(code)) > 2]
    shared = [_ONE_NUMBER[country].sub("", code) for kind, code in known if kind in ("vat", "reg")
              ] if country in _ONE_NUMBER else []  # fmt: skip
    both = [("one", f"{country}.{code.lstrip('0')}") for code in shared if len(code) >= 7]
    return tuple(dict.fromkeys(f"{kind}:{_in(kind, code, country)}" for kind, code in (*known, *both)))


_ONE_NUMBER = {
    "BE": re.compile("^0+"), "BG": re.compile("(?!)"), "CH": re.compile("(?!)"), "CZ": re.compile("(?!)"),
    "DK": re.compile("(?!)"), "EE": re.compile("(?!)"), "ES": re.compile("(?!)"), "FI": re.compile("(?!)"),
    "FR": re.compile(r"^\d\d(?=\d{9}$)|(?<=^\d{9})\d{5}$"), "IT": re.compile("(?!)"), "NO": re.compile("MVA$"),
    "PT": re.compile("(?!)"), "RO": re.compile("(?!)"), "SE": re.compile(r"(?<=^\d{10})01$"),
    "SK": re.compile("(?!)"), "AU": re.compile(r"^\d\d(?=\d{9}$)"), "BR": re.compile("(?!)"),
}  # fmt: skip
"""Countries with one number for register and tax, and what the tax number has more; French numbers of a branch begin
with that of the company."""
_VAT_PREFIX = {"GR": "EL", "GB": "GB", "CH": "CHE"}
_EUROPEAN = re.compile("AT|BE|BG|CY|CZ|DE|DK|EE|EL|ES|FI|FR|GB|HR|HU|IE|IT|LT|LU|LV|MT|NL|PL|PT|RO|SE|SI|SK")
_LABEL = re.compile(
    r"^(?:USTIDNR|USTID|VATREGNO|VATNO|VAT|TVA|BTW|PIVA|NIF|CIF|CNPJ|CUIT|RUT|ABN|ACN|EIN|NIP|CVR|SIRET|SIREN|KVK|CRN|"
    r"ORGNR|UID|DUNS|NR|NUMBER)+(?=[A-Z]{0,3}\d)"
)  # what people write before a number
_COURT = re.compile(r"(HR[AB])0*(\d{1,6})")


def _number(kind: str, code: str, country: str | None) -> str:
    if kind in ("vat", "reg") and country == "CH" and code.startswith("CHE"):
        return code[3:].removesuffix("MWST").removesuffix("TVA").removesuffix("IVA")
    if kind == "vat":
        prefix = code[:2]
        mine = _VAT_PREFIX.get(country or "", country)
        return code[2:] if prefix in (mine, country) or (country is None and _EUROPEAN.fullmatch(prefix)) else code
    court = _COURT.search(code) if kind == "reg" and country in ("DE", None) else None
    return "".join(court.groups()) if court else code


def _in(kind: str, code: str, country: str | None) -> str:
    place = f"{country}." if kind == "reg" and country else ""
    return f"{place}{code.lstrip('0') or code}"
