"""Finds out of which system and object each CSV file of a folder is an export, and has them loaded."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syncd.emulator.csvfile import Sheet, peek
from syncd.emulator.errors import EmulatorDataError
from syncd.emulator.hubspot import exports as hubspot_exports
from syncd.emulator.hubspot.columns import folded
from syncd.emulator.hubspot.store import Portal
from syncd.emulator.report import Report
from syncd.emulator.salesforce import exports as salesforce_exports
from syncd.emulator.salesforce.ids import PREFIXES, normal
from syncd.emulator.salesforce.store import Org

_NOT_RECORDS = {"salesforce": ("fields",), "hubspot": ("properties", "pipelines", "owners", "account", "history")}
_ADVICE = (
    "it is not clear what it is an export of. Put it into a folder salesforce/ as <Object>.csv, such as Account.csv or "
    "Deal_Registration__c.csv, or into hubspot/ as <object type>.csv, such as deals.csv or p_registration.csv"
)
# Columns, by label or internal name, that only one kind of record has.
_HUBSPOT = (
    ("deals", ("deal name", "dealname", "deal stage", "dealstage")),
    ("tickets", ("ticket name", "ticket status")),
    ("contacts", ("contact owner", "first name", "firstname", "lead status")),
    ("companies", ("company domain name", "company name", "company owner", "domain")),
)
_SALESFORCE = (
    ("Opportunity", ("opportunity id", "opportunity name", "stagename", "opportunity owner")),
    ("Lead", ("lead id", "lead status", "company / account", "lead owner", "isconverted")),
    ("Contact", ("contact id", "contact name", "contact owner")),
    ("User", ("user id", "username")),
    ("Account", ("account id", "account name", "account owner", "numberofemployees", "billingcity")),
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is an export of: `system` salesforce or hubspot, and an object's API name or a type."""

    system: str
    object: str


def load(org: Org, portal: Portal, folder: Path, report: Report) -> None:
    """Load every CSV file of a folder, or of its folders salesforce/ and hubspot/. Raises EmulatorDataError where there
    is nothing to load, or where every line of a file is wrong."""
    found: dict[str, list[tuple[str, Path]]] = {"salesforce": [], "hubspot": []}
    for path in _files(folder):
        if path.parent != folder and path.stem in _NOT_RECORDS[path.parent.name]:
            continue
        what = _recognised(org, portal, folder, path, report)
        if what is not None:
            found[what.system].append((what.object, path))
    if not any(found.values()):
        raise EmulatorDataError(_nothing(folder, report))
    salesforce_exports.load(org, folder / "salesforce", found["salesforce"], report)
    hubspot_exports.load(portal, folder / "hubspot", found["hubspot"], report)
    for path, file in report.files.items():
        if file.kept_out and not file.rows:
            raise EmulatorDataError(f"{path}: not one line could be loaded; the first:\n{file.first_reason}")


def _files(folder: Path) -> list[Path]:
    places = [folder, folder / "salesforce", folder / "hubspot"]
    return [path for place in places if place.is_dir() for path in sorted(place.iterdir()) if _is_csv(path)]


def _is_csv(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".csv" and not path.name.startswith(".")


def _nothing(folder: Path, report: Report) -> str:
    lines = [f"{path.name}: {reason}" for path, reason in report.not_read.items()]
    others = [path.name for path in sorted(folder.iterdir()) if path.suffix.lower() in (".xlsx", ".xls", ".zip")]
    if others:
        lines.append(f"{', '.join(others)}: save as CSV, or unpack")
    return "\n  ".join([f"{folder}: no CSV export that could be read", *lines])


# --- what it is an export of


def _recognised(org: Org, portal: Portal, folder: Path, path: Path, report: Report) -> Recognised | None:
    system = "" if path.parent == folder else path.parent.name
    named = _by_name(org, portal, system, path.stem)
    if named is not None:
        return named
    try:
        sheet = peek(path)
    except EmulatorDataError as error:
        report.skipped(path, str(error))
        return None
    what = _by_columns(sheet, path.stem, system) or _as_called(system, path.stem)
    if what is None:
        report.skipped(path, _ADVICE)
    return what


def _by_name(org: Org, portal: Portal, system: str, stem: str) -> Recognised | None:
    """Our own layout: salesforce/Account.csv, hubspot/deals.csv."""
    if system == "salesforce":
        sobject = org.find(stem)
        if sobject is not None or stem.endswith("__c") or stem in PREFIXES:
            return Recognised(system, sobject.name if sobject is not None else stem)
    if system == "hubspot":
        kind = portal.types.find(stem)
        if kind is not None or stem.startswith("p_"):
            return Recognised(system, kind.name if kind is not None else stem)
    return None


def _by_columns(sheet: Sheet, stem: str, system: str) -> Recognised | None:
    header = [folded(name) for name in sheet.header]
    ways: tuple[tuple[str, Callable[[Sheet, list[str], str], str | None]], ...] = (
        ("hubspot", _hubspot_type), ("salesforce", _salesforce_object),
    )  # fmt: skip
    for name, way in ways:
        found = way(sheet, header, stem) if system in ("", name) else None
        if found is not None:
            return Recognised(name, found)
    return None


def _hubspot_type(sheet: Sheet, header: list[str], stem: str) -> str | None:
    """By `Record ID` with digits; without it only by columns that Salesforce has not."""
    at = next((header.index(name) for name in ("record id", "hs_object_id") if name in header), None)
    if at is not None and not all(line[at].strip().isdigit() or not line[at].strip() for line in sheet.lines):
        return None
    if at is None:
        sure = {"deals": ("deal name", "dealname"), "companies": ("company domain name",)}
        return next((kind for kind, names in sure.items() if set(names) & set(header)), None)
    for kind, names in _HUBSPOT:
        if set(names) & set(header):
            return kind
    words = re.sub(r"^hubspot-crm-exports-|(all-)|-?\d+", "", stem.lower())
    return f"p_{re.sub(r'[^a-z0-9]+', '_', words).strip('_') or 'record'}"


def _salesforce_object(sheet: Sheet, header: list[str], stem: str) -> str | None:
    if stem.endswith("__c") or (stem in PREFIXES and "id" in header):  # as Data Export names its files
        return stem
    prefixed = _by_prefix(sheet, header)
    if prefixed is not None:
        return prefixed
    for name, columns in _SALESFORCE:
        if set(columns) & set(header):
            return name
    own = re.compile(r"(.+): (?:\1 name|id)", re.IGNORECASE)  # reports of custom objects name them in each label
    custom = next((one.partition(": ")[0] for one in sheet.header if own.fullmatch(one)), "")
    return f"{re.sub(r'[^A-Za-z0-9]+', '_', custom).strip('_')}__c" if custom else None


def _by_prefix(sheet: Sheet, header: list[str]) -> str | None:
    """By the key prefix of the ids in a column `Id`."""
    at = header.index("id") if "id" in header else None
    if at is None:
        return None
    prefixes = {line[at].strip()[:3] for line in sheet.lines if normal(line[at].strip())}
    return next((name for name, prefix in PREFIXES.items() if prefixes == {prefix}), None)


def _as_called(system: str, stem: str) -> Recognised | None:
    """In salesforce/ a file of any plain name is an object of that name."""
    if system == "salesforce" and re.fullmatch(r"[A-Za-z]\w*", stem):
        return Recognised(system, stem)
    return None
