"""What the server tells of the health: fresh, stale, held, broken; and the metrics."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from syncd.errors import Retry, UserError
from syncd.jobs.health import StreamHealth, Word, alarms, health, judge
from syncd.settings import Address
from syncd.store import holds
from syncd.store.holds import HoldKind
from syncd.web import serving
from tests.jobs.world import CRM_UID, World

from .conftest import Asked

NOW = datetime(2026, 11, 25, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def numbers(text: str) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, in the order of the labels' names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_it_lives_as_long_as_the_loop_turns(served: Callable[..., Asked]) -> None:
    turning = [True]
    asked = served(alive=lambda: turning[0])
    assert asked.get("/livez") == (200, {"alive": True})
    turning[0] = False
    assert asked.get("/livez") == (503, {"alive": False})


def test_it_is_ready_when_everything_was_read_and_is_fresh(served: Callable[..., Asked]) -> None:
    asked = served()
    code, said = asked.get("/readyz")
    assert code == 503
    assert said["connections"] == {"crm": "new", "prm": "new"}
    asked.world.cycle()
    code, said = asked.get("/readyz")
    assert (code, said["connections"]) == (200, {"crm": "fresh", "prm": "fresh"})


def test_a_connection_that_cannot_be_read_is_stale_after_its_time_and_only_that_one(
    served: Callable[..., Asked],
) -> None:
    asked = served()
    asked.world.cycle()
    asked.world.prm.fail(*[Retry("down")] * 50)
    asked.world.cycle(minutes=14)
    assert asked.get("/readyz")[0] == 200
    asked.world.cycle(minutes=2)
    code, said = asked.get("/readyz")
    assert (code, said["connections"]) == (503, {"crm": "fresh", "prm": "stale"})
    (sentence,) = alarms(health(asked.world.work)).values()
    assert sentence.startswith("prm was last read through 16 minutes ago; at most 15 minutes is meant.")


def test_what_a_brake_holds_is_said(served: Callable[..., Asked]) -> None:
    asked = served()
    asked.world.cycle()
    with asked.world.store.begin() as tx:
        holds.stop(
            tx, CRM_UID, "Account", HoldKind.VANISHED, "900 of 1000 are gone.", {}, asked.world.clock.now(), None
        )
    code, said = asked.get("/status")
    assert code == 200
    (crm, _) = said["connections"]
    assert (crm["is"], crm["held"], said["ready"]) == ("held", ["900 of 1000 are gone."], False)


def test_what_a_person_decides_is_seen_without_a_daemon(served: Callable[..., Asked]) -> None:
    """The server works beside a daemon or without one: it reads the state database alone."""
    asked = served()
    asked.world.cycle()
    assert asked.get("/status")[1]["daemon"] is None
    asked.world.store.enter("host:1")
    assert asked.get("/status")[1]["daemon"] == "host:1"


def test_metrics_tell_what_runs_counted_and_how_things_stand(served: Callable[..., Asked]) -> None:
    asked = served()
    asked.world.deal()
    asked.world.cycle()
    code, text = asked.get("/metrics")
    assert code == 200
    found = numbers(text)
    assert found["syncd_runs_total", "decide", "ok"] == 1
    assert found["syncd_records_total", "crm", "new", "accounts"] == 2
    assert found["syncd_writes_total", "crm", "applied"] > 0
    assert found["syncd_decisions_total",] > 0
    assert found["syncd_ready",] == 1
    assert found["syncd_watermark_timestamp_seconds", "crm", "accounts"] <= asked.world.clock.now().timestamp()
    assert (
        found["syncd_last_success_timestamp_seconds", "crm", "pull", "accounts"] == asked.world.clock.now().timestamp()
    )
    assert found["syncd_outbox_rows", "crm", "queued"] == 0
    assert found["syncd_api_requests_total", "crm"] == asked.world.crm.calls
    asked.world.cycle()
    again = numbers(asked.get("/metrics")[1])
    assert again["syncd_records_total", "crm", "new", "accounts"] == 2, "nothing new came"
    assert again["syncd_runs_total", "pull", "ok"] == 2 * found["syncd_runs_total", "pull", "ok"]


def test_no_id_name_or_secret_is_in_a_metric(served: Callable[..., Asked]) -> None:
    asked = served()
    asked.world.deal()
    asked.world.cycle()
    text = asked.get("/metrics")[1]
    for private in ("Fenwick", "a1", "r1", "mia@vendor.example", "P01"):
        assert private not in text


def test_an_address_that_is_taken_is_told_with_its_key(world_on: World) -> None:
    with serving(world_on.work, Address("127.0.0.1", 0)) as url:
        taken = serving(world_on.work, Address("127.0.0.1", int(url.rpartition(":")[2])))
        with pytest.raises(UserError, match=r"server\.listen: cannot listen on 127\.0\.0\.1:"), taken:
            pass


def stream(age: timedelta | None, problem: str = "") -> StreamHealth:
    return StreamHealth("accounts", None if age is None else NOW - age, None, problem)


@pytest.mark.parametrize(
    ("streams", "held", "word"),
    [
        ([stream(MINUTE)], [], Word.FRESH),
        ([stream(15 * MINUTE)], [], Word.FRESH),
        ([stream(15 * MINUTE + timedelta(seconds=1))], [], Word.STALE),
        ([stream(MINUTE), stream(None)], [], Word.NEW),
        ([stream(20 * MINUTE), stream(None)], [], Word.STALE),
        ([stream(MINUTE)], ["halted"], Word.HELD),
        ([stream(MINUTE, "no field City")], ["halted"], Word.BROKEN),
        ([], [], Word.NEW),
        ([stream(-MINUTE)], [], Word.FRESH),
    ],
)
def test_the_word_is_the_worst_that_is_true(streams: list[StreamHealth], held: list[str], word: Word) -> None:
    assert judge(streams, held, NOW, 15 * MINUTE) is word


@given(st.lists(st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=9))), min_size=1, max_size=6))
def test_a_connection_is_fresh_only_when_each_of_its_streams_is(ages: list[timedelta | None]) -> None:
    fresh = judge([stream(age) for age in ages], [], NOW, 15 * MINUTE) is Word.FRESH
    assert fresh == all(age is not None and age <= 15 * MINUTE for age in ages)
