"""HubSpot under every value of every fact that is not proved: the whole contract, and what is HubSpot's own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any, get_args, get_type_hints

import pytest

from syncd.connectors.budget import hubspot_budget
from syncd.connectors.wrappers import Retrying
from syncd.emulator import Variants
from syncd.model import ReadSpec, ReceiptKind, Stream, Window

from .contract import ConnectorContract
from .test_hubspot_signin import Vault, signed_in
from .worlds_hubspot import HubSpotWorld, hubspot_world

VERSIONS = ("2026-09", "2026-03", "v3")
COMBINATIONS, IN_EVERY_RUN = 50, 5
HOUR = timedelta(hours=1)

Promise = tuple[str, Callable[[HubSpotWorld], None]]


def switches() -> dict[str, tuple[Any, ...]]:
    """Each fact about HubSpot that is not proved, with its values."""
    hints = get_type_hints(Variants)
    return {f.name: get_args(hints[f.name]) for f in fields(Variants) if f.name.startswith("hubspot_")}


def singles() -> Iterator[tuple[str, Variants]]:
    """Every value of every switch alone; the defaults come first, once."""
    usual = Variants()
    yield "as usual", usual
    for name, values in switches().items():
        for value in values:
            if value != getattr(usual, name):
                yield f"{name}={value}", replace(usual, **{name: value})


def combination(number: int) -> tuple[str, Variants]:
    """A version and a value of each switch, the same for a number every time."""
    dice = random.Random(f"hubspot {number}")
    chosen: dict[str, Any] = {name: dice.choice(values) for name, values in switches().items()}
    return VERSIONS[number % len(VERSIONS)], Variants(**chosen)


def promises() -> list[Promise]:
    """Every promise of the contract with each of its parameters, and those below."""
    found: list[Promise] = []
    for holder in (ConnectorContract(), Own()):
        for name in vars(type(holder)):
            if name.startswith("test_") or (isinstance(holder, Own) and not name.startswith("_")):
                found += [(f"{name} {given}", _kept(holder, name, given)) for given in _parameters(holder, name)]
    return found


def _parameters(holder: Any, name: str) -> list[Mapping[str, Any]]:
    marks = [m for m in getattr(getattr(holder, name), "pytestmark", ()) if m.name == "parametrize"]
    if not marks:
        return [{}]
    ((argument, values),) = [mark.args for mark in marks]
    return [{argument: value} for value in values]


def _kept(holder: Any, name: str, given: Mapping[str, Any]) -> Callable[[HubSpotWorld], None]:
    return lambda world: getattr(holder, name)(world, **given)


def keep_all(world: HubSpotWorld) -> list[str]:
    """Hold every promise on one portal, which is emptied after each; returns those that were broken."""
    broken = []
    for name, holds in promises():
        try:
            holds(world)
        except AssertionError as error:
            broken.append(f"{name}: {error}")
        world.empty()
    return broken


@pytest.mark.parametrize("version", VERSIONS)
def test_every_promise_is_kept_in_each_version(version: str) -> None:
    with hubspot_world(version) as world:
        assert keep_all(world) == []


@pytest.mark.parametrize(("name", "variants"), list(singles()), ids=lambda one: one if isinstance(one, str) else "")
def test_every_promise_is_kept_under_each_value_of_each_switch(name: str, variants: Variants) -> None:
    with hubspot_world(variants=variants) as world:
        assert keep_all(world) == []


@pytest.mark.parametrize(
    "number",
    [pytest.param(n, marks=() if n < IN_EVERY_RUN else pytest.mark.counts) for n in range(COMBINATIONS)],
)
def test_every_promise_is_kept_under_combinations_of_them(number: int) -> None:
    version, variants = combination(number)
    with hubspot_world(version, variants) as world:
        assert keep_all(world) == [], f"{version} {variants}"


def test_the_combinations_cover_every_version_and_every_value() -> None:
    met = [combination(n) for n in range(COMBINATIONS)]
    assert {version for version, _ in met} == set(VERSIONS)
    assert {version for version, _ in met[:IN_EVERY_RUN]} == set(VERSIONS)
    for name, values in switches().items():
        assert {getattr(variants, name) for _, variants in met} == set(values)


def test_a_broken_promise_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HubSpotWorld, "shown", lambda world, id_: "something else")
    with hubspot_world() as world:
        broken = keep_all(world)
    assert any(one.startswith("test_none_clears_a_field") for one in broken)
    assert len(broken) < len(promises()) / 2


class Own:
    """What HubSpot promises besides, each on a portal that is as new."""

    def associations_are_the_same_however_they_are_read(self, world: HubSpotWorld) -> None:
        insert = world.emulator.hubspot.insert
        companies = [world.create(f"C{n}") for n in range(3)]
        ids = [insert("deals", {"dealname": f"D{n}"}, associations={"companies": companies[:n]}) for n in range(4)]
        spec = ReadSpec(Stream.REGISTRATIONS, "deals", ("dealname",), associations=("companies",))
        hubspot = world.connector()
        pulled = {row.id: row for page in hubspot.pull(spec, Window(None, hubspot.now())) for row in page.rows}
        assert [sorted(pulled[id_].fields["associations.companies"]) for id_ in ids] == [
            sorted(companies[:n]) for n in range(4)
        ]
        assert {row.id: row for page in hubspot.sweep(spec) for row in page.rows} == pulled
        assert {row.id: row.fields for row in hubspot.fetch(spec, ids)} == {i: r.fields for i, r in pulled.items()}
        self._remove(world, "deals")

    def a_merge_is_followed(self, world: HubSpotWorld) -> None:
        keep, lose = world.create("keep"), world.create("lose")
        survivor = world.emulator.hubspot.merge("companies", keep, lose)
        gone = dict.fromkeys({keep, lose} - {survivor}, survivor)
        hubspot = world.connector()
        pages = list(hubspot.pull(world.spec, Window(None, hubspot.now())))
        assert {row.id: row.merged_into for p in pages for row in p.rows} == {survivor: None, **gone}
        read = {row.id: row.merged_into for row in hubspot.fetch(world.spec, [keep, lose])}
        assert {id_: read[id_] for id_ in gone} == gone
        (receipt,) = hubspot.write("companies", [world.write(survivor, "v")])
        assert receipt.kind is ReceiptKind.APPLIED

    def a_rule_of_the_admin_refuses_its_row_alone(self, world: HubSpotWorld) -> None:
        world.emulator.hubspot.add_write_rule("companies", "conditional_required", ["city"], {world.stamp: "protected"})
        ids = [world.create(f"C{n}") for n in range(5)]
        writes = [world.write(id_, "protected" if n == 2 else "v", n) for n, id_ in enumerate(ids)]
        refused = [r for r in world.connector().write("companies", writes) if r.kind is not ReceiptKind.APPLIED]
        assert [(r.write_id, r.kind) for r in refused] == (
            [(2, ReceiptKind.FAILED)] if world.version == "2026-09" else []
        )
        assert all(receipt.code for receipt in refused)
        assert [world.shown(id_) for n, id_ in enumerate(ids) if n != 2] == ["v"] * 4
        world.emulator.hubspot.clear_rules()

    def choices_and_texts_are_filtered(self, world: HubSpotWorld) -> None:
        insert = world.emulator.hubspot.insert
        partner = insert("companies", {"name": "Acme Ltd", "type": "PARTNER"})
        insert("companies", {"name": "other", "type": "VENDOR"})
        hubspot = world.connector()
        for where in ({"type": ("PARTNER",)}, {"name": ("Acme Ltd", "nobody")}):
            spec = ReadSpec(Stream.ACCOUNTS, "companies", ("name",), where=where)
            pages = list(hubspot.pull(spec, Window(None, hubspot.now())))
            assert [row.id for page in pages for row in page.rows] == [partner]
            assert [row.id for page in hubspot.sweep(spec) for row in page.rows] == [partner]

    def an_app_signs_in_and_goes_on_when_its_token_ends(self, world: HubSpotWorld) -> None:
        id_ = world.create("Acme")
        vault = Vault(world.endpoint["refresh_token"])
        hubspot = signed_in(world, vault)
        for _ in range(3):
            (page,) = hubspot.pull(world.spec, Window(None, hubspot.now()))
            assert [row.id for row in page.rows] == [id_]
            world.emulator.hubspot.expire_token(hubspot._credentials.token())
        assert {r.kind for r in hubspot.write("companies", [world.write(id_, "v")])} == {ReceiptKind.APPLIED}
        world.endpoint = {**world.endpoint, "refresh_token": vault.value}

    def limits_cost_time_and_nothing_else(self, world: HubSpotWorld) -> None:
        world.emulator.hubspot.set_limits("starter")
        ids = {world.create(f"C{n}") for n in range(1_500)}
        window = Window(None, world.clock.now())
        for options in ({}, {"budget": hubspot_budget(world.clock, share=1.0)}):
            hubspot = Retrying(world.connector(**options), world.clock)
            rows = [row.id for page in hubspot.pull(world.spec, window) for row in page.rows]
            assert set(rows) == ids
            assert len(rows) == len(ids)
        world.emulator.hubspot.set_limits(None)

    def histories_tell_who_set_what(self, world: HubSpotWorld) -> None:
        id_ = world.emulator.hubspot.insert("deals", {"dealname": "D", "dealstage": "contractsent"})
        world.clock.wait(60)
        world.emulator.hubspot.edit("deals", id_, {"dealstage": "closedwon"})
        wanted = ("value", "previous_value", "source_type")
        spec = ReadSpec(Stream.HISTORY, "deals_history", wanted, where={"property": ("dealstage",)})
        hubspot = world.connector()
        upper = hubspot.now()
        pages = list(hubspot.pull(spec, Window(upper - timedelta(seconds=30), upper)))
        assert [tuple(row.fields[name] for name in wanted) for page in pages for row in page.rows] == [
            ("closedwon", "contractsent", "CRM_UI")
        ]
        self._remove(world, "deals")

    def what_the_index_shows_late_comes_with_the_overlap(self, world: HubSpotWorld) -> None:
        world.emulator.hubspot.set_index_lag(300, jitter=500, seed=1)
        ids = {world.create(f"C{n}") for n in range(30)}
        hubspot = world.connector()
        first = Window(hubspot.now() - HOUR, hubspot.now())
        seen = {row.id for page in hubspot.pull(world.spec, first) for row in page.rows}
        world.clock.wait(hubspot.facts.read_lag_seconds)
        second = Window(first.upper - timedelta(seconds=hubspot.facts.overlap_seconds), hubspot.now())
        seen |= {row.id for page in hubspot.pull(world.spec, second) for row in page.rows}
        assert seen == ids
        world.emulator.hubspot.set_index_lag(0)
        world.emulator.hubspot.flush_index()

    def _remove(self, world: HubSpotWorld, name: str) -> None:
        for row in world.emulator.hubspot.rows(name):
            world.emulator.hubspot.gdpr_delete(name, row["hs_object_id"])
