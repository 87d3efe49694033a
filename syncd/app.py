"""The one place where things are built and joined: configuration in, a `Work` that every entrance can use out."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel

from syncd.connectors.base import Connector
from syncd.connectors.wrappers import Deferred, ReadOnly, Retrying
from syncd.errors import Problem, UserError
from syncd.jobs.work import Heartbeat, Side, Work
from syncd.mapping import Mapping, MappingFile
from syncd.model import Clock, Credentials, MissingField
from syncd.policy import Policy, version_of
from syncd.settings import (
    ClientCredentials,
    Connection,
    Document,
    KeyPath,
    Settings,
    config_hash,
    in_order,
    known_keys,
    load_settings,
    named_files,
    read_yaml,
    validate,
)
from syncd.store.database import Store

DEFAULT_CONFIG = "syncd.yaml"


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Sleep."""
        time.sleep(max(seconds, 0.0))


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the files say, checked together."""

    settings: Settings
    policy: Policy
    mappings: dict[str, Mapping]


def load_config(path: str | Path) -> Config:
    """Read the settings and every file they name. Raises UserError listing every problem in all of them.

    The named files are looked at whatever is wrong with the settings: a first user's secrets are not set yet.
    """
    document = read_yaml(path, includes=False)
    if kind := _other_kind(document, "settings"):
        message, remedy = f"this is a {kind} file, not a settings file.", "Name the file that has `connections`."
        raise UserError(problems=(Problem(str(path), None, "", message, remedy),))
    problems: list[Problem] = []
    settings: Settings | None = None
    try:
        settings = load_settings(path)
    except UserError as error:
        problems += error.problems
    read = {key: _read_named(document, key, file, problems) for key, file in named_files(document).items()}
    if settings is None or problems:
        raise UserError(problems=in_order(problems))
    mappings = {}
    for name, connection in settings.connections.items():
        file = read["connections", name, "mapping"]
        assert isinstance(file, MappingFile)
        mappings[name] = Mapping.compile(file, connection.kind.value)
    policy = read[("policy",)]
    assert isinstance(policy, Policy)
    return Config(settings, policy, mappings)


_MODELS: dict[str, type[BaseModel]] = {"settings": Settings, "policy": Policy, "mapping": MappingFile}


def _read_named(document: Document, key: KeyPath, file: str, problems: list[Problem]) -> BaseModel | None:
    """The policy or mapping file that the settings name under `key`, its problems noted."""
    wanted = str(key[-1])
    try:
        named = read_yaml(file)
    except UserError as error:
        problems += error.problems
        return None
    if kind := _other_kind(named, wanted):
        message = f"`{document.value(key)}` is a {kind} file, not a {wanted} file."
        problems.append(document.problem(key, message, f"Name the {wanted} file; config/ has an example."))
        return None
    made, found = validate(named, _MODELS[wanted])
    problems += found
    return made


def _other_kind(document: Document, wanted: str) -> str:
    """Which other of our files it is, by its first keys, so that a mixed-up name is said once and not key by key."""
    fitting = [kind for kind, model in _MODELS.items() if not known_keys(model).keys().isdisjoint(document.data)]
    return fitting[0] if fitting and wanted not in fitting else ""


def located(config: Config, name: str, problem: str) -> str:
    """A problem that a connection reported, with the line of the mapping that names the field, where one does."""
    path = config.settings.connections[name].mapping
    if isinstance(problem, MissingField):
        for stream, mapping in config.mappings[name].streams.items():
            key = mapping.sources.get(problem.field)
            if key is not None and mapping.object.lower() == problem.object.lower():
                document = read_yaml(config.settings.folder / path)
                return str(document.problem(("streams", stream.value, *key), str(problem)))
    return f"{config.settings.file.name}: connections.{name}: {problem}"


def open_store(settings: Settings) -> Store:
    """The state database of this configuration."""
    return Store(settings.database.reveal())


def build(config: Config, store: Store, clock: Clock | None = None) -> Work:
    """Join everything. Makes no call yet."""
    clock = clock or SystemClock()
    settings = config.settings
    sides = [
        _side(name, connection, config.mappings[name], open_connector(connection, clock))
        for name, connection in settings.connections.items()
    ]
    return Work(
        store=store,
        clock=clock,
        sides=sides,
        policy=config.policy,
        policy_version=version_of(config.policy),
        go_live=settings.go_live,
        config_hash=config_hash(settings),
        auto=settings.matching.auto,
        review=settings.matching.review,
        ledger_key=settings.ledger.key.reveal().encode() if settings.ledger.key else None,
    )


def open_connector(connection: Connection, clock: Clock) -> Connector:
    """The connector of one connection with its wrappers: asking again outside, and in shadow mode read-only inside.

    The share of the day's calls and the call count sit below, in the transport, because they must see each attempt.
    """
    make = _salesforce if connection.kind.value == "salesforce" else _hubspot
    connector: Connector = Deferred(lambda: make(connection, clock))  # a person's quick command never needs it
    if connection.mode.value == "shadow":
        connector = ReadOnly(connector)
    return Retrying(connector, clock)


def _salesforce(connection: Connection, clock: Clock) -> Connector:
    from syncd.connectors.budget import salesforce_budget
    from syncd.connectors.credentials import SalesforceClientCredentials, StaticToken
    from syncd.connectors.salesforce import SalesforceConnector
    from syncd.connectors.wire import Timeouts

    timeouts = Timeouts(read=connection.timeout.total_seconds())
    auth = connection.auth
    credentials: Credentials
    if isinstance(auth, ClientCredentials):
        credentials = SalesforceClientCredentials(
            connection.base_url, auth.client_id.reveal(), auth.client_secret.reveal(),
            emulator=connection.emulator, timeouts=timeouts,
        )  # fmt: skip
    else:
        credentials = StaticToken(auth.token.reveal())
    return SalesforceConnector(
        connection.base_url, credentials, clock, budget=salesforce_budget(clock, share=connection.quota_share),
        version=connection.api_version, emulator=connection.emulator, timeouts=timeouts,
    )  # fmt: skip


def _hubspot(connection: Connection, clock: Clock) -> Connector:
    from syncd.connectors.budget import hubspot_budget
    from syncd.connectors.credentials import StaticToken
    from syncd.connectors.hubspot import HubSpotConnector
    from syncd.connectors.wire import Timeouts

    auth = connection.auth
    if isinstance(auth, ClientCredentials):  # the settings offer HubSpot only the token flow
        raise UserError("HubSpot signs in with `flow: token`.")
    return HubSpotConnector(
        StaticToken(auth.token.reveal()), clock, base_url=connection.base_url,
        budget=hubspot_budget(clock, share=connection.quota_share), version=connection.api_version,
        emulator=connection.emulator, timeouts=Timeouts(read=connection.timeout.total_seconds()),
    )  # fmt: skip


def _side(name: str, connection: Connection, mapping: Mapping, connector: Connector) -> Side:
    beat = connection.heartbeat
    return Side(
        name=name,
        kind=connection.kind.value,
        roles=frozenset(role.value for role in connection.roles),
        connector=connector,
        streams=mapping.streams,
        authority=connection.authority.value,
        live=connection.mode.value == "live",
        ownership=connection.ownership.value,
        visible=connection.visibility == "full",
        heartbeat=Heartbeat(beat.object, beat.id, beat.field) if beat else None,
        settle_writes_after=connection.settle_writes_after,
    )


@contextmanager
def opened(
    path: str | Path, clock: Clock | None = None, prepare: Callable[[Store], None] = Store.require_schema
) -> Iterator[Work]:
    """A Work for commands that read or add decisions; uids come from the store, no CRM is called.

    `prepare` is what has to be done with the state database first. Raises UserError for anything wrong in the files.
    """
    config = load_config(path)
    store = open_store(config.settings)
    try:
        prepare(store)
        work = build(config, store, clock)
        work.bind_from_store()
        yield work
    finally:
        store.close()


@contextmanager
def as_daemon(path: str | Path, clock: Clock | None = None) -> Iterator[Work]:
    """A Work that holds the daemon role: the only one that pulls and writes. Raises Stop when the role is taken."""
    with opened(path, clock, take_role) as work:
        yield work


def take_role(store: Store) -> None:
    """Take the daemon role and bring the schema up to date, never under another daemon that is at work."""
    if store.revision() is None:
        store.upgrade()
    store.enter(holder_name())
    store.upgrade()


def holder_name() -> str:
    """Who we are in a lease: host, process, and a mark that a restarted process does not share."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
