"""How people name the columns of exports, and how they write days, amounts and stages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation

from syncd.connectors.files.headers import plain

_PLAIN = re.compile(r"[^a-z0-9]+")

KNOWN: Mapping[str, str] = {
    "id": "id, record id, hs object id, record no, row id, nr, no, external id",
    "company_id": "account id, company id, customer id, organization id, associated company ids, primary associated "
    "company id, associated company id, account number",
    "name": "account name, company name, company, customer name, end customer name, end customer, customer, client, "
    "client name, organization name, organisation name, organization, organisation, account, business name, "
    "prospect name, end user, associated company, primary associated company, primary company, name, firma, "
    "firmenname, unternehmen, kunde, entreprise, societe, empresa, bedrijf, bedrijfsnaam, company account, legal name",
    "other_names": "other names, legal name, trading name, trading as, trade name, dba, doing business as, former "
    "name, previous name, former names, aka, alias, account name local, local name",
    "website": "website, web site, website url, web, url, homepage, web address, domain, domain name, "
    "company domain name, primary domain, webseite, internet, site web, sitio web",
    "email": "email, e mail, email address, contact email, company email",
    "phone": "phone, phone number, telephone, telephone number, tel, main phone, telefon, telefono, contact phone",
    "street": "street, street address, address line 1, address 1, street 1, address, full address, strasse, "
    "anschrift, adresse, rue, direccion, straat",
    "city": "city, town, locality, place, ort, stadt, ville, ciudad, plaats, municipality",
    "postcode": "postal code, postcode, post code, zip, zip code, zip postal code, plz, postleitzahl, code postal, "
    "codigo postal",
    "region": "state, region, state province, state region, province, county, bundesland",
    "country": "country, country code, country region, country iso, land, pays, pais",
    "industry": "industry, sector, branche, trade, vertical",
    "employees": "employees, number of employees, no of employees, employee count, headcount, company size, "
    "mitarbeiter",
    "registration_number": "company number, company registration number, register number, registration number, "
    "companies house number, siren, siret, handelsregisternummer, hrb, kvk, crn, reg no, registration no, "
    "business number",
    "vat_number": "vat, vat number, vat id, vat no, tax id, tax number, ust id, ustid, ust idnr, tva, btw",
    "duns": "duns, d u n s, duns number, d u n s number",
    "lei": "lei, lei code, legal entity identifier",
    "customer": "account type, company type, customer type, lifecycle stage, type",
    "deal_id": "opportunity id, deal id, deal registration id, lead id, opportunity number",
    "deal_name": "opportunity name, deal name, opportunity, deal, project, project name",
    "stage": "stage, stage name, deal stage, opportunity stage, registration status, deal registration status, "
    "deal status, approval status, status",
    "closed": "closed, is closed, is deal closed",
    "won": "won, is won, is closed won, is deal won",
    "amount": "amount, deal amount, opportunity amount, amount in company currency, deal value, opportunity value, "
    "estimated value, expected revenue, value",
    "currency": "currency, currency iso code, amount currency, deal currency code, deal currency",
    "owner": "opportunity owner, deal owner, owner, owner name, account owner, company owner, owner id, "
    "hubspot owner id, channel manager",
    "created": "submitted date, date submitted, submitted at, submission date, submitted, registered at, registration "
    "date, registered date, received at, created date, create date, created, created at, created on, date created",
    "closes": "close date, closing date, closed date, expected close date",
    "products": "products, product, product interest, products of interest, product family, product line, product name",
    "partner": "partner name, partner, partner account, partner account name, reseller, reseller name, channel "
    "partner, submitted by partner, partner company",
    "source": "lead source, original source, deal source, source",
    "key": "prm registration id, prm id, registration id, registration number, deal registration number, prm number, "
    "registration key, deal registration, deal reg id, registration no",
}  # fmt: skip
"""The columns that are recognised, the most telling name first; case, blanks and punctuation aside."""

DEAL_FIELDS = ("deal_id", "deal_name", "stage", "closed", "won", "amount", "currency", "owner", "created", "closes",
               "products", "partner", "source", "key")  # fmt: skip
_SHOW_DEALS = ("deal_id", "deal_name", "closed", "won", "amount", "partner")
SEVERAL = ("other_names", "website", "email", "phone")
OF_COMPANIES = ("other_names", "website", "email", "phone", "street", "city", "postcode", "region", "country",
                "industry", "employees", "registration_number", "vat_number", "duns", "lei")  # fmt: skip
_PREFIXES = ("billing", "account", "associatedcompany", "company", "customer", "endcustomer", "registered", "hq",
             "headquarters", "mailing", "shipping")  # fmt: skip


_RANKS: dict[str, list[tuple[str, int]]] = {}
for _field, _names in KNOWN.items():
    for _rank, _name in enumerate(_names.split(",")):
        _RANKS.setdefault(plain(_name), []).append((_field, _rank))


def recognised(headers: Sequence[str]) -> dict[str, list[int]]:
    """Which positions hold which field, the best first."""
    found: dict[str, list[tuple[int, int]]] = {}
    for position, header in enumerate(headers):
        for name, rank in _meanings(plain(header)):
            found.setdefault(name, []).append((rank, position))
    columns = {name: list(dict.fromkeys(position for _, position in sorted(at))) for name, at in found.items()}
    return _without_doubles(columns, headers)


def _meanings(header: str) -> list[tuple[str, int]]:
    if header in _RANKS:
        return _RANKS[header]
    for rank, prefix in enumerate(_PREFIXES, 1):
        for name, position in _RANKS.get(header.removeprefix(prefix), []) if header.startswith(prefix) else []:
            if name in OF_COMPANIES:
                return [(name, position + 50 * rank)]
    return []


def _without_doubles(columns: dict[str, list[int]], headers: Sequence[str]) -> dict[str, list[int]]:
    """Settle what one header may mean: a deal's own id, name, type and number are not its company's."""
    plains = [plain(header) for header in headers]
    if "name" in columns:
        columns["other_names"] = [p for p in columns.get("other_names", []) if p != columns["name"][0]]
    if not shows_deals(columns, headers):
        columns["key"] = [p for p in columns.get("key", []) if p not in columns.get("registration_number", [])]
    else:
        keys = columns.get("key", [])
        columns["registration_number"] = [p for p in columns.get("registration_number", []) if p not in keys]
        columns["customer"] = [p for p in columns.get("customer", []) if plains[p] != "type"]
        if not columns.get("deal_id"):
            columns["deal_id"] = columns.pop("id", [])
        bare = [p for p in columns.get("name", []) if plains[p] == "name"]
        columns["name"] = [p for p in columns.get("name", []) if p not in bare]
        columns["deal_name"] = [*columns.get("deal_name", []), *bare]
    return {name: positions for name, positions in columns.items() if positions}


def shows_deals(columns: Mapping[str, Sequence[int]], headers: Sequence[str]) -> bool:
    """Whether these are the columns of deals or filings rather than of companies alone."""
    telling = {plain(headers[p]) for name in ("stage", "key") for p in columns.get(name, ())}
    telling -= {"status", "source", "registrationnumber", "registrationno"}
    return bool(telling) or any(columns.get(name) for name in _SHOW_DEALS)


# --- values ----------------------------------------------------------------------------------------------------------

_DAY = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:\D.*)?")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_SYMBOLS = {"£": "GBP", "€": "EUR", "$": "", "¥": ""}
_WON = ("won", "closedwon", "gewonnen", "gagne", "ganado", "ganada")
_LOST = ("lost", "closedlost", "verloren", "perdu", "perdido", "dead", "disqualified", "abandoned", "cancelled",
         "canceled")  # fmt: skip
_ENDED = ("rejected", "declined", "denied", "withdrawn", "expired", "draft", "returned", "closed", "abgelehnt")
_YES = ("true", "1", "yes", "y", "x", "ja", "oui", "si")


def state_of(stage: str, closed: str = "", won: str = "") -> str:
    """Open, won, lost, ended, or blank when nothing tells."""
    words = _PLAIN.sub(" ", stage.casefold()).split()
    if won.casefold() in _YES or any(word in _WON for word in words):
        return "won"
    if closed.casefold() in _YES or any(word in _LOST for word in words):
        return "lost"
    if any(word in _ENDED for word in words):
        return "ended"
    return "open" if stage or closed or won else ""


def day_order(cells: Iterable[str]) -> str:
    """`dmy` or `mdy` where the written days show which; blank where they could be both."""
    found = [(int(m[1]), m[2], int(m[3])) for cell in cells if (m := _DAY.fullmatch(cell))]
    day_first = any(first > 12 or mark == "." for first, mark, _ in found)
    month_first = any(second > 12 for _, _, second in found)
    return "" if day_first == month_first else "dmy" if day_first else "mdy"


def day_reader(order: str) -> Callable[[str], date]:
    def read(said: str) -> date:
        if _ISO.match(said):
            year, month, day = (int(part) for part in said[:10].split("-"))
        elif (m := _DAY.fullmatch(said)) is None:
            raise ValueError("being no days")
        elif not order:
            raise ValueError("because day and month cannot be told apart; write days as 2026-11-24")
        else:
            day, month = (int(m[1]), int(m[3])) if order == "dmy" else (int(m[3]), int(m[1]))
            year = int(m[4])
        try:
            return date(year, month, day)
        except ValueError:
            raise ValueError("being no days") from None

    return read


def whole(said: str) -> int:
    """A whole number, thousands separated or not."""
    digits = re.sub(r"[,.' ](?=\d{3}\b)", "", said)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 12):
        raise ValueError("being no whole numbers")
    return int(digits)


def amount_of(said: str) -> tuple[Decimal, str]:
    """An amount as people write it, with its currency where it is said."""
    code = next((c for symbol, c in _SYMBOLS.items() if symbol in said), "")
    letters = "".join(re.findall(r"[A-Za-z]+", said)).upper()
    digits = re.sub(r"[^0-9.,-]", "", said)
    if decimals := re.search(r"[.,](\d{1,2})$", digits):
        digits = f"{re.sub(r'[.,]', '', digits[: decimals.start()])}.{decimals[1]}"
    else:
        digits = re.sub(r"[.,]", "", digits)
    try:
        number = Decimal(digits)
    except InvalidOperation:
        raise ValueError("being no amounts") from None
    if len(digits) > 18 or len(letters) not in (0, 3):
        raise ValueError("being no amounts")
    return number, letters or code
