"""The peers that connectors are tested against, each able to do what a CRM and its people do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from syncd.connectors.base import Connector
from syncd.connectors.memory import MemoryConnector
from syncd.emulator import Emulator, EmulatorClock, Variants
from syncd.errors import Retry
from syncd.model import ReadSpec, Ref, Stream, Write, WriteGroup

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
SECRET = "pat-na1-wrong-0123456789"


class FakeClock:
    """A clock that stands still until somebody waits."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self._now

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._now += timedelta(seconds=seconds)


class SharedClock(FakeClock):
    """The emulator's clock as a port, so that waiting moves both sides."""

    def __init__(self, emulated: EmulatorClock) -> None:
        super().__init__()
        self._emulated = emulated

    def now(self) -> datetime:
        return self._emulated.now()

    def wait(self, seconds: float) -> None:
        self.waited.append(seconds)
        self._emulated.advance(timedelta(seconds=seconds))


class World(ABC):
    """One CRM with companies that have a name and one field of ours."""

    object = "Account"
    name = "Name"
    stamp = "Syncd__c"
    key = "Key__c"
    page = 100
    sweep_page = 100

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock

    @property
    def spec(self) -> ReadSpec:
        """Reads the companies."""
        return ReadSpec(Stream.ACCOUNTS, self.object, (self.name, self.stamp))

    def write(self, id_: str, value: Any, number: int = 1, field: str | None = None) -> Write:
        """A change of our field."""
        return Write(number, Ref("x", self.object, id_), WriteGroup.STAMP, {field or self.stamp: value})

    @abstractmethod
    def connector(self, **options: Any) -> Connector:
        """A new connector."""

    @abstractmethod
    def create(self, name: str) -> str:
        """A new company; returns its id."""

    @abstractmethod
    def rename(self, id_: str, name: str) -> None:
        """A person edits a company."""

    @abstractmethod
    def delete(self, id_: str) -> None:
        """A person deletes a company."""

    @abstractmethod
    def shown(self, id_: str) -> Any:
        """What our field holds, as the CRM itself knows."""

    @abstractmethod
    def lose_answer(self, *, applied: bool) -> None:
        """The answer to the next write is lost."""

    @abstractmethod
    def count_more(self) -> None:
        """The next page says that there are more records than it and the others hold."""

    @abstractmethod
    def interrupt(self, *, skip: int) -> None:
        """A call of a pull fails once, after `skip` good ones."""

    @property
    @abstractmethod
    def absent_id(self) -> str:
        """A well-formed id of no record."""

    @property
    @abstractmethod
    def poison(self) -> tuple[str, Any]:
        """A field and a value that the CRM refuses for one record."""

    def refused(self) -> Connector | None:
        """A connector whose token is wrong."""
        return None

    def requests(self) -> int | None:
        """How many requests the CRM got."""
        return None


class MemoryWorld(World):
    """The twin."""

    def __init__(self) -> None:
        super().__init__(FakeClock())
        self.crm = MemoryConnector(self.clock)
        self.crm.define(self.object, self.name, self.stamp, self.key)
        self._next = 0

    def connector(self, **options: Any) -> Connector:
        return self.crm

    def create(self, name: str) -> str:
        self._next += 1
        self.crm.put(self.object, f"m{self._next:09}", {self.name: name})
        return f"m{self._next:09}"

    def rename(self, id_: str, name: str) -> None:
        self.crm.put(self.object, id_, {self.name: name})

    def delete(self, id_: str) -> None:
        self.crm.delete(self.object, id_)

    def shown(self, id_: str) -> Any:
        return self.crm.get(self.object, id_).get(self.stamp)

    def lose_answer(self, *, applied: bool) -> None:
        self.crm.lose_answer(applied=applied)

    def count_more(self) -> None:
        self.crm.hide(3)

    def interrupt(self, *, skip: int) -> None:
        self.crm.fail(*[None] * skip, Retry("The CRM is away."))

    absent_id = "m999999999"
    poison = ("Nope", "x")


class EmulatedWorld(World):
    """One of the two emulated CRMs, over real HTTP."""

    system = ""

    def __init__(self, emulator: Emulator, clock: SharedClock, endpoint: Mapping[str, str]) -> None:
        super().__init__(clock)
        self.emulator, self.endpoint = emulator, endpoint
        self.before = len(emulator.requests)
        self.opened: list[Any] = []

    def close(self) -> None:
        """Let go of the server before it stops."""
        for connector in self.opened:
            connector.close()

    def requests(self) -> int | None:
        return sum(1 for r in self.emulator.requests[self.before :] if r.system == self.system)

    def paths(self) -> list[str]:
        """Method and path of each request so far."""
        mine = [r for r in self.emulator.requests[self.before :] if r.system == self.system]
        return [f"{r.method} {r.path.partition('?')[0]}" for r in mine]

    def interrupt(self, *, skip: int) -> None:
        self.emulator.fail(self.system, "status", path_prefix=self.reading, skip=skip, status=503, body="<html>")

    reading = ""


@contextmanager
def emulated(variants: Variants | None = None) -> Iterator[tuple[Emulator, SharedClock, Mapping[str, Any]]]:
    """Both emulated CRMs, empty, on a clock that stands still."""
    clock = EmulatorClock(START)
    clock.freeze(START)
    emulator = Emulator.empty(clock, variants=variants)
    emulator.hubspot.set_limits(None)  # the clock stands still: ten seconds never pass
    with emulator.serve() as endpoints:
        yield emulator, SharedClock(clock), endpoints
