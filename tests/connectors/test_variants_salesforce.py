"""The whole contract under every fact about Salesforce that is not proved: each switch by itself, and many together."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import partial
from itertools import product
from typing import Any, get_args, get_type_hints

import pytest

from syncd.connectors.salesforce.pull import Scale
from syncd.emulator import Variants

from . import test_salesforce_bulk as bulk
from . import test_salesforce_reading as reading
from . import test_salesforce_signin as signing_in
from . import test_salesforce_writing as writing
from .contract import ConnectorContract
from .worlds_salesforce import SalesforceWorld, salesforce_world

PLAIN, ALL = 5, 50
SWITCHES = {name: get_args(hint) for name, hint in get_type_hints(Variants).items() if name.startswith("salesforce_")}
DEFAULTS = {field.name: field.default for field in fields(Variants)}

Trial = Callable[[SalesforceWorld], object]

MORE: tuple[Trial, ...] = (
    partial(reading.test_any_number_of_records_with_one_stamp_comes_whole_and_once, count=401),
    partial(reading.test_what_was_stamped_before_the_watermark_and_shown_after_it_comes_with_the_overlap, minutes=9),
    reading.test_a_record_changed_while_pages_are_read_is_in_this_window_or_the_next,
    reading.test_records_deleted_for_good_while_pages_are_read_do_not_stop_the_pull,
    reading.test_a_large_first_pull_is_read_side_by_side_and_whole,
    reading.test_a_deletion_and_its_undoing_both_come,
    reading.test_a_merge_names_its_survivor_through_a_chain_and_brings_the_children,
    reading.test_a_converted_lead_says_what_it_became,
    reading.test_a_sweep_goes_on_by_the_servers_order_of_ids,
    bulk.test_a_large_sweep_is_a_bulk_query_too,
    partial(signing_in.test_every_flow_signs_in_and_survives_the_end_of_its_session, flow="refresh_token"),
    writing.test_only_the_locked_row_may_be_sent_again,
)


class SmallPages(SalesforceWorld):
    """The org, asked for small pages, so that little data makes many; used for one trial after another."""

    page = sweep_page = 200
    options: Mapping[str, Any] = {"scale": Scale(rows_per_page=200)}

    def empty(self) -> None:
        """Take away what a trial left behind."""
        self.emulator.clear_faults()
        self.close()
        self.opened.clear()
        self.clock.waited.clear()
        self.before = len(self.emulator.requests)
        view = self.emulator.salesforce
        for name in ("Opportunity", "Contact", "Lead", "Account"):
            for row in view.rows(name):
                if not row["IsDeleted"]:
                    view.delete(name, row["Id"])
            for row in view.rows(name):
                view.purge(name, row["Id"])


def contract() -> Iterator[tuple[str, Trial]]:
    """Every promise of the contract, with each of its parameters."""
    made = ConnectorContract()
    for name in dir(ConnectorContract):
        if name.startswith("test_"):
            method = getattr(made, name)
            marks = [m for m in getattr(method, "pytestmark", ()) if m.name == "parametrize"]
            choices = [[{mark.args[0]: value} for value in mark.args[1]] for mark in marks]
            for chosen in product(*choices):
                given = {key: value for one in chosen for key, value in one.items()}
                yield f"{name}{given or ''}", partial(method, **given)


def held_under(variants: Variants) -> list[str]:
    """The trials that fail in an org of this kind, each with why."""
    failed = []
    with salesforce_world(variants, kind=SmallPages) as world:
        assert isinstance(world, SmallPages)
        for name, trial in [*contract(), *((_name(trial), trial) for trial in MORE)]:
            try:
                trial(world)
            except Exception as error:
                failed.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            world.empty()
    return failed


def _name(trial: Trial) -> str:
    return str(getattr(trial.func if isinstance(trial, partial) else trial, "__name__", trial))


def combination(seed: int) -> dict[str, Any]:
    """One value of each switch, by chance."""
    dice = random.Random(seed)
    return {name: dice.choice(values) for name, values in sorted(SWITCHES.items())}


SINGLES = [(name, value) for name, values in SWITCHES.items() for value in values if value != DEFAULTS[name]]


@pytest.mark.parametrize(("switch", "value"), SINGLES)
def test_the_contract_holds_whatever_the_answer_to_one_question(switch: str, value: Any) -> None:
    """F19. Among them a proved watermark that stands still for hours: nothing waits for it."""
    assert held_under(Variants(**{switch: value})) == []


@pytest.mark.parametrize("seed", range(PLAIN))
def test_the_contract_holds_whatever_the_answers_to_all(seed: int) -> None:
    assert held_under(Variants(**combination(seed))) == []


@pytest.mark.counts
@pytest.mark.parametrize("seed", range(PLAIN, ALL))
def test_the_contract_holds_under_many_more_combinations(seed: int) -> None:
    assert held_under(Variants(**combination(seed))) == []


def test_every_promise_of_the_contract_is_tried() -> None:
    names = {name.partition("{")[0] for name, _ in contract()}
    assert names == {name for name in dir(ConnectorContract) if name.startswith("test_")}
    assert len(SINGLES) >= 15
    combinations = [combination(seed) for seed in range(ALL)]
    assert all({each[name] for each in combinations} == set(values) for name, values in SWITCHES.items())
