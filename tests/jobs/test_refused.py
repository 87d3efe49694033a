"""What a CRM refuses is kept, said, and tried again when a person wants it."""

from __future__ import annotations

from syncd.jobs.plan import everything
from syncd.model import WriteState
from syncd.store import outbox

from .conftest import Make
from .test_write import crm_ref, filed


def test_a_refusal_asks_for_attention_until_it_is_retried_and_then_arrives(make: Make) -> None:
    world = filed(make())
    world.crm.refuse("a1", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    first = world.cycle(minutes=20)
    assert first.attention
    later = world.cycle(minutes=20)
    assert (later.failed, later.refused, later.attention) == (0, 1, True), "nothing new failed, but it still stands"
    with world.work.store.read() as tx:
        (held,) = [d for d in everything(world.work, tx) if d.intent.ref == crm_ref()]
        assert "refused this before" in held.refused
    world.crm.refuse("a1", "")
    with world.work.store.append() as tx:
        outbox.forgive(tx, outbox.refused(tx), "tester", world.work.clock.now())
    last = world.cycle(minutes=20)
    assert (last.refused, last.attention) == (0, False)
    assert [w.state for w in world.writes(crm_ref())] == [WriteState.SUPERSEDED, WriteState.APPLIED]
