"""Each mistake in a mapping file gets one clear message with its line; a good one compiles into what it says."""

from __future__ import annotations

import pytest

from syncd.errors import Problem
from syncd.mapping import Mapping, MappingFile
from syncd.model import Stream
from syncd.settings import json_schema, parse_yaml, validate

GOOD = """\
streams:
  accounts:
    object: Account
    where: {Type: [Prospect, Customer]}
    fields:
      name: Name
      employees: NumberOfEmployees
      is_customer: {field: Type, values: {Customer: true}, default: false}
      country: {first_of: [BillingCountry, ShippingCountry]}
    stamps:
      status: Syncd_Status__c
      until: Syncd_Until__c
    owner: Channel_Owner__c
  opportunities:
    object: Opportunity
    fields:
      account_id: AccountId
      is_closed: IsClosed
      is_won: IsWon
      created_at: CreatedDate
      value: {amount: Amount, currency: {const: GBP}}
      products: {field: Products__c, split: ";", values: {Core Platform: core}}
  registrations:
    object: deals
    fields:
      partner_id: partner_id
      status: {field: dealstage, values: {new: submitted}}
      company_id: associations.companies
"""


def problems_of(text: str) -> tuple[Problem, ...]:
    return validate(parse_yaml(text, "map.yaml"), MappingFile)[1]


def compiled(text: str, kind: str = "salesforce") -> Mapping:
    file, problems = validate(parse_yaml(text, "map.yaml"), MappingFile)
    assert file is not None, [str(problem) for problem in problems]
    return Mapping.compile(file, kind)


ACCOUNTS = "streams.accounts"
DEALS = "streams.opportunities.fields"
FILED = "streams.registrations"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "message", "remedy"),
    [
        ("name: Name", "nmae: Name", 6, f"{ACCOUNTS}.fields.nmae", "unknown field `nmae`", "Did you mean `name`?"),
        ("name: Name", "street: S", 5, f"{ACCOUNTS}.fields.name", "`name` is missing", "Add `name"),
        ("accounts:", "acounts:", 2, "streams.acounts", "unknown stream `acounts`", "Did you mean `accounts`?"),
        ("status: S", "sttus: S", 11, f"{ACCOUNTS}.stamps.sttus", "unknown stamp `sttus`", "Did you mean `status`?"),
        ("until: S", "received_at: S", 12, f"{ACCOUNTS}.stamps.received_at", "is not shown on accounts", "use one of"),
        (
            "Syncd_Until__c",
            "Syncd_Status__c",
            12,
            f"{ACCOUNTS}.stamps.until",
            "the stamp `status` already",
            "of its own",
        ),
        ("Syncd_Until__c", "Name", 12, f"{ACCOUNTS}.stamps.until", "also read as the fact `name`", "of its own"),
        ("Channel_Owner__c", "Name", 13, f"{ACCOUNTS}.owner", "also read as the fact `name`", "Unmap `name`"),
        ("    object: Account\n", "", 2, f"{ACCOUNTS}.object", "`object` is missing", "Add `object: Account`"),
        ("name: Name", "name: Na me", 6, f"{ACCOUNTS}.fields.name", "not the name of a field", "API"),
        ("name: Name", "name: x, Id FROM User", 6, f"{ACCOUNTS}.fields.name", "not the name of a field", "API"),
        ("name: Name", "name: 12", 6, f"{ACCOUNTS}.fields.name", "must be a field name", "For example `name: Name`"),
        ("name: Name", "name: {fild: Name}", 6, f"{ACCOUNTS}.fields.name.fild", "unknown key `fild`", "`field`"),
        ("name: Name", "name: {const: ''}", 6, f"{ACCOUNTS}.fields.name", "`const` is blank", "text"),
        ("name: Name", "name: ${env:NAME}", 6, f"{ACCOUNTS}.fields.name", "secret reference", "the value itself"),
        (
            "{Customer: true}",
            "{Customer: tru}",
            8,
            f"{ACCOUNTS}.fields.is_customer",
            "neither true nor false",
            "yes or no",
        ),
        ("default: false", "default: nope", 8, f"{ACCOUNTS}.fields.is_customer", "`default` is neither", "yes or no"),
        ("default: false", 'split: ","', 8, f"{ACCOUNTS}.fields.is_customer", "holds one value", "Remove `split`"),
        ("{first_of: [B", "{first_of: []} # [B", 9, f"{ACCOUNTS}.fields.country.first_of", "not be empty", "Write"),
        ("employees: N", "employees: {amount: A} #", 7, f"{ACCOUNTS}.fields.employees", "is not money", "field's name"),
        ("{amount: Amount, ", "{field: Amount} #", 21, f"{DEALS}.value", "needs an amount", "{amount: Amount"),
        ("{const: GBP}", "{const: Pounds}", 21, f"{DEALS}.value", "no three-letter code", "GBP"),
        ("      is_won: IsWon\n", "", 16, f"{DEALS}.is_won", "`is_won` is missing", "Add `is_won"),
        ("{new: submitted}", "{new: filed}", 27, f"{FILED}.fields.status", "no status that syncd knows", "status"),
        (
            "{new: submitted}",
            "{new: ''}",
            27,
            f"{FILED}.fields.status",
            "is blank",
            "draft, submitted, approved, rejected, withdrawn, expired.",
        ),
        (
            "{new: submitted}",
            "{new: won}",
            27,
            f"{FILED}.fields.status",
            "`values.new` is no status",
            "one of: draft, submitted, approved, rejected, withdrawn, expired.",
        ),
        ("      company_id: associations.companies\n", "", 23, f"{FILED}.company", "nothing tells which", "company_id"),
        ("object: Account\n", "object: a/../b\n", 3, f"{ACCOUNTS}.object", "not the name of an object", "API name"),
        ("{Type: [P", "{Type: [], X: [P", 4, f"{ACCOUNTS}.where.Type", "must be a list of values", "For example"),
        ("{Type: [P", "{Type: [[a]], X: [P", 4, f"{ACCOUNTS}.where.Type", "list of single values", "For example"),
        (GOOD[GOOD.index("  accounts") :], "  {}", 1, "streams", "names no stream", "accounts, opportunities"),
        (GOOD, "stream: {}", 1, "stream", "unknown key `stream`", "Did you mean `streams`?"),
    ],
)
def test_a_mistake_gets_one_clear_message(old: str, new: str, line: int, key: str, message: str, remedy: str) -> None:
    assert old in GOOD
    found = problems_of(GOOD.replace(old, new, 1))
    assert len(found) == 1, [str(problem) for problem in found]
    assert (found[0].line, found[0].key) == (line, key)
    assert message in found[0].message
    assert remedy in found[0].remedy


def test_a_company_is_named_or_carried_but_not_both() -> None:
    carried = GOOD.replace("company_id: associations.companies", "number: n\n    company: {name: firm}")
    assert problems_of(carried) == ()
    both = GOOD + "    company: {name: firm}\n"
    (problem,) = problems_of(both)
    assert (problem.key, "mapped twice" in problem.message) == (f"{FILED}.company", True)
    (problem,) = problems_of(carried.replace("{name: firm}", "{website: firm}"))
    assert problem.key == f"{FILED}.company.name"


def test_only_what_is_mapped_is_read() -> None:
    mapping = compiled(GOOD)
    spec = mapping.streams[Stream.ACCOUNTS].read_spec()
    assert spec.fields == tuple(
        sorted(
            [
                "Name",
                "NumberOfEmployees",
                "Type",
                "BillingCountry",
                "ShippingCountry",
                "Syncd_Status__c",
                "Syncd_Until__c",
                "Channel_Owner__c",
            ]
        )
    )
    assert dict(spec.where) == {"Type": ("Prospect", "Customer")}
    filed = mapping.streams[Stream.REGISTRATIONS].read_spec()
    assert (filed.fields, filed.associations) == (("dealstage", "partner_id"), ("companies",))
    assert mapping.streams[Stream.OPPORTUNITIES].read_spec().fields.count("Amount") == 1


def test_a_native_field_can_be_traced_to_its_key() -> None:
    accounts = compiled(GOOD).streams[Stream.ACCOUNTS]
    assert accounts.ours == {"Syncd_Status__c", "Syncd_Until__c", "Channel_Owner__c"}
    assert accounts.sources["ShippingCountry"] == ("fields", "country")
    assert accounts.sources["Syncd_Until__c"] == ("stamps", "until")
    assert accounts.sources["Channel_Owner__c"] == ("owner",)


def test_the_version_follows_the_content() -> None:
    first = compiled(GOOD)
    assert first.version == compiled("# a remark\n" + GOOD).version
    other = compiled(GOOD.replace("Customer: true", "Client: true"))
    assert other.streams[Stream.ACCOUNTS].version != first.streams[Stream.ACCOUNTS].version
    assert other.streams[Stream.OPPORTUNITIES].version == first.streams[Stream.OPPORTUNITIES].version


def test_the_schema_completes_the_names_of_fields_and_stamps() -> None:
    definitions = json_schema(MappingFile)["$defs"]
    assert {"name", "website", "is_customer"} <= set(definitions["AccountsFields"]["properties"])
    assert "count" in definitions["AccountsStamps"]["properties"]
    assert "count" not in definitions["OpportunitiesStamps"]["properties"]
    assert definitions["RegistrationsFields"]["required"] == ["partner_id", "status"]
