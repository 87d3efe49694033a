"""What provisioning asks for, and when nothing is made."""

from __future__ import annotations

import pytest

from syncd.errors import Brake, UserError
from syncd.jobs.holds import halt
from syncd.jobs.provision import exit_code, fields_wanted, provision
from syncd.model import STAMP_FIELDS, Fit, Part, Provisioned, stamp_values

from .conftest import Make
from .world import PRM_MAPPING, World, compiled


def test_every_mapped_stamp_is_asked_for_as_the_one_table_has_it(make: Make) -> None:
    wanted = {(one.object, one.name): one for one in fields_wanted(make().side("crm"))}
    table = {f"{stamp.name}__c": stamp for stamp in STAMP_FIELDS}
    for (object_, name), one in wanted.items():
        if name != "Channel_Owner__c":
            assert (one.type, one.length) == (table[name].type, table[name].length), (object_, name)
    assert wanted["Account", "status__c"].values == stamp_values("accounts")
    assert ("Account", "count__c") in wanted
    assert not wanted["Opportunity", "Channel_Owner__c"].can_make, "whose field it is, is not syncd's to say"


def test_two_streams_of_one_object_share_a_field_that_offers_the_values_of_both(make: Make) -> None:
    world = make()
    streams = {**PRM_MAPPING["streams"]}
    fields = ("account_id", "name", "is_closed", "is_won", "created_at")
    own = {"object": "deals", "fields": {n: n for n in fields}, "stamps": {"status": "syncd_status"}}
    world.change_side(
        "prm", streams=compiled({"streams": {**streams, "opportunities": own}}, "hubspot").streams, mapped={}
    )
    (status,) = [one for one in fields_wanted(world.side("prm")) if one.name == "syncd_status"]
    assert set(status.values) == {*stamp_values("registrations"), *stamp_values("opportunities")}


def missing(world: World) -> None:
    """The CRM has lost a field that the mapping names."""
    world.crm._columns["Account"].discard("number__c")


def test_nothing_is_made_in_shadow_mode_or_while_a_person_has_stopped_all_writing(make: Make) -> None:
    world = make()
    missing(world)
    world.change_side("crm", live=False)
    with pytest.raises(UserError, match="shadow mode"):
        provision(world.work, "crm", make=True, person="kim")
    assert provision(world.work, "crm", make=False, person="kim").having(Fit.MISSING)
    world.change_side("crm", live=True)
    halt(world.work, ["crm"], "kim", "stop")
    with pytest.raises(Brake, match="stopped all writing"):
        provision(world.work, "crm", make=True, person="kim")
    assert world.ledger("provision") == []


def test_what_was_made_is_in_the_ledger_once(make: Make) -> None:
    world = make()
    missing(world)
    for _ in range(2):
        provision(world.work, "crm", make=True, person="kim")
    (entry,) = world.ledger("provision")
    assert (entry["made"], entry["by"]) == (["field Account.number__c"], "person:kim")


@pytest.mark.parametrize(
    ("fits", "code"),
    [((Fit.FITS, Fit.MADE), 0), ((Fit.FITS, Fit.MISSING), 3), ((Fit.BY_HAND,), 3), ((Fit.BY_HAND, Fit.CONFLICT), 1)],
)
def test_the_exit_code_says_what_is_left(fits: tuple[Fit, ...], code: int) -> None:
    parts = tuple(Part("deals", "p", "field", fit, "said") for fit in fits)
    assert exit_code([Provisioned(parts), Provisioned()]) == code
