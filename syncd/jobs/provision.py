"""Provision: make the fields that a connection's mapping names for stamps, or say field by field what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from syncd.errors import Brake, UserError
from syncd.jobs.work import Side, Work
from syncd.mapping import StreamMapping
from syncd.model import (
    STAMP_BY_NAME,
    FieldWanted,
    Fit,
    HeartbeatWanted,
    Provisioned,
    StampField,
    StampType,
    Stream,
    stamp_values,
)
from syncd.store import decisions, holds, ledger


def provision(work: Work, name: str, *, make: bool, person: str) -> Provisioned:
    """How the fields of one connection stand; with `make`, what is missing is made and entered in the ledger.

    Raises UserError for an unknown connection, or one in shadow mode where something would have to be made; Brake while
    a person has stopped all writing.
    """
    side = _side(work, name)
    side, _ = work.check_again(side)
    wanted, beat = fields_wanted(side), _heartbeat(side)
    found = side.connector.provision(wanted, beat, False)
    if not make or found.having(Fit.CONFLICT, Fit.BY_HAND) or not found.having(Fit.MISSING):
        return found
    _may_be_made(work, side)
    made = side.connector.provision(wanted, beat, True)
    _enter(work, side, made, person)
    return made


def _side(work: Work, name: str) -> Side:
    for side in work.sides:
        if side.name == name:
            return side
    raise UserError(f"{name} is no connection. There are {', '.join(side.name for side in work.sides)}.")


def _may_be_made(work: Work, side: Side) -> None:
    if not side.live:
        raise UserError(
            f"connections.{side.name} is in shadow mode, in which nothing is written. Set `mode: live` to have the "
            "fields made; until you run `syncd sync` or `syncd run`, no record is written."
        )
    with work.store.read() as tx:
        if holds.is_halted(tx, side.uid):
            raise Brake(
                f"{side.name}: a person has stopped all writing. `syncd holds` says who; `syncd proceed` ends it."
            )


def _enter(work: Work, side: Side, made: Provisioned, person: str) -> None:
    new = [f"{part.what} {part.object}.{part.name}" for part in made.having(Fit.MADE)]
    body = {"what": "provision", "connection": side.uid, "made": new, "by": f"person:{person}"}
    with work.store.append() as tx:
        decisions.alone(tx)
        ledger.append(tx, work.clock.now(), [ledger.Entry("provision", body)], work.ledger_key)


# --- what is needed --------------------------------------------------------------------------------------------------


def fields_wanted(side: Side) -> list[FieldWanted]:
    """The native fields that the mapping names for stamps and owners, each once."""
    found: dict[tuple[str, str], FieldWanted] = {}
    for stream, mapping in (side.mapped or side.streams).items():
        for one in _of_stream(stream, mapping):
            known = found.get((one.object, one.name))
            found[one.object, one.name] = one if known is None else _both(known, one)
    return list(found.values())


def _of_stream(stream: Stream, mapping: StreamMapping) -> Iterator[FieldWanted]:
    for name, native in mapping.stamps.items():
        stamp = STAMP_BY_NAME[name]
        values = stamp_values(stream.value) if stamp.values else ()
        yield FieldWanted(mapping.object, native, stamp.type, label(stamp), stamp.meaning, stamp.length, values)
    if mapping.owner:
        meaning = "Who owns the record."
        yield FieldWanted(mapping.object, mapping.owner, StampType.TEXT, "Owner", meaning, can_make=False)


def label(stamp: StampField) -> str:
    """What people read above the field, before somebody gives it a better name."""
    return f"syncd {stamp.name.replace('_', ' ')}"


def _both(one: FieldWanted, other: FieldWanted) -> FieldWanted:
    """One field that shows the stamps of two streams of one object."""
    return replace(
        one,
        length=max(one.length, other.length),
        values=tuple(dict.fromkeys((*one.values, *other.values))),
        can_make=one.can_make and other.can_make,
    )


def _heartbeat(side: Side) -> HeartbeatWanted:
    beat = side.heartbeat
    return HeartbeatWanted() if beat is None else HeartbeatWanted(beat.object, beat.field, beat.id)


# --- what is told ----------------------------------------------------------------------------------------------------


def as_json(name: str, found: Provisioned, configured: bool) -> dict[str, Any]:
    """How a connection stands, as plain JSON. `settings` is what to write where no heartbeat is configured yet."""
    beat = found.heartbeat
    return {
        "connection": name,
        "parts": [
            {"object": p.object, "name": p.name, "what": p.what, "fit": p.fit.value, "said": p.said}
            for p in found.parts
        ],
        "heartbeat": None if beat is None else {"object": beat.object, "id": beat.id, "field": beat.field},
        "settings": None if beat is None or configured else settings_line(beat),
    }


def settings_line(beat: HeartbeatWanted) -> str:
    """The line for the connection's section in the settings; the card's settings name the same record."""
    return f'heartbeat: {{object: {beat.object}, id: "{beat.id}", field: {beat.field}}}'


def exit_code(found: Sequence[Provisioned]) -> int:
    """0 everything fits, 1 something is unfit and nothing was made, 3 something is left to a person."""
    if any(one.having(Fit.CONFLICT) for one in found):
        return 1
    return 3 if any(one.having(Fit.MISSING, Fit.BY_HAND) for one in found) else 0
