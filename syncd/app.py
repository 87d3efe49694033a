"""The one place where things are built and joined: configuration in, a `Work` that every entrance can use out."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as time_of_day
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel
from sqlalchemy import make_url

from syncd.connectors.base import Connector
from syncd.connectors.wrappers import Deferred, ReadOnly, Retrying
from syncd.errors import Problem, UserError
from syncd.jobs.policies import follow
from syncd.jobs.work import Brakes, Heartbeat, Messenger, Side, Stopping, Work
from syncd.mapping import Mapping, MappingFile
from syncd.model import Budget, Clock, Credentials, MissingField
from syncd.policy import Policy, version_of
from syncd.policy.ownership import Freeze
from syncd.policy.quiet import QuietHours
from syncd.settings import (
    Bands,
    ClientCredentials,
    Connection,
    Document,
    KeyPath,
    RefreshToken,
    Settings,
    SignedAssertion,
    Token,
    config_hash,
    in_order,
    known_keys,
    load,
    load_settings,
    named_files,
    read_yaml,
    validate,
)
from syncd.store import runs
from syncd.store.credentials import Vault
from syncd.store.database import Store

if TYPE_CHECKING:
    from syncd.matching import Weights

DEFAULT_CONFIG = "syncd.yaml"


class SystemClock:
    """The machine's clock."""

    def __init__(self) -> None:
        self.stopping = Event()

    def now(self) -> datetime:
        """The present in UTC."""
        return datetime.now(UTC)

    def wait(self, seconds: float) -> None:
        """Sleep, whatever happens: between two parts of what is being written nothing may break in."""
        time.sleep(max(seconds, 0.0))

    def rest(self, seconds: float) -> None:
        """Sleep before asking again. Raises Stopping when told to stop meanwhile."""
        if self.stopping.wait(max(seconds, 0.0)):
            raise Stopping()


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
    """The policy, mapping or description that the settings name under `key`, its problems noted."""
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
    made, found = validate(named, _MODELS.get(wanted) or _description())
    problems += found
    return made


def _description() -> type[BaseModel]:
    """The model of an API's description, loaded only where a connection has one."""
    from syncd.connectors.rest.description import Description

    return Description


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
    doors = Doors(settings, store, clock)
    sides = [
        _side(name, connection, config.mappings[name], doors.connector(name, connection), str(settings.timezone))
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
        weights=_weights(settings),
        index_folder=settings.matching.index,
        ledger_key=settings.ledger.key.reveal().encode() if settings.ledger.key else None,
        anchor=settings.ledger.anchor,
        every=settings.schedule.every,
        sweep_every=settings.schedule.sweep,
        refresh_formulas=settings.schedule.refresh_formulas,
        duplicates=settings.matching.duplicates,
        twins=settings.matching.twins,
        bands={name: _bands(settings, connection.matching) for name, connection in settings.connections.items()},
        brakes=Brakes(**settings.brakes.model_dump()),
        zone=str(settings.timezone),
        owner_freeze=tuple(Freeze(**days.model_dump()) for days in settings.schedule.owner_freeze),
        messenger=_messenger(settings),
        stopping=clock.stopping if isinstance(clock, SystemClock) else Event(),
    )


def _messenger(settings: Settings) -> Messenger | None:
    """Who brings alerts to people; None where nobody is to be told."""
    from syncd.jobs.messages import Apprised

    return Apprised([one.reveal() for one in settings.alerts.to]) if settings.alerts.to else None


def _bands(settings: Settings, own: Bands) -> tuple[float, float]:
    """(auto, review) of the links of one connection."""
    auto = settings.matching.auto if own.auto is None else own.auto
    return auto, settings.matching.review if own.review is None else own.review


def _weights(settings: Settings) -> Weights | None:
    """The points table that the settings name; None for the shipped one. Raises UserError."""
    if settings.matching.points is None:
        return None
    from syncd.jobs.training import read_table_of_points  # matching is not loaded where no table is named

    return read_table_of_points(settings.matching.points)


class Doors:
    """Opens connections. What several of them share is kept here: the calls of one org, the tokens that change."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._settings, self._store, self._clock = settings, store, clock
        self._budgets: dict[tuple[str, str, str], Budget] = {}

    def connector(self, name: str, connection: Connection) -> Connector:
        """The connector of one connection with its wrappers: asking again outside, in shadow mode read-only inside.

        The share of the day's calls and the call count sit below, in the transport: they must see each attempt.
        """
        make = {
            "salesforce": self._salesforce, "hubspot": self._hubspot,
            "files": self._files, "sql": self._sql, "rest": self._rest,
        }[connection.kind.value]  # fmt: skip
        connector: Connector = Deferred(lambda: make(name, connection))  # a person's quick command never needs it
        if connection.mode.value == "shadow":
            connector = ReadOnly(connector)
        rest = self._clock.rest if isinstance(self._clock, SystemClock) else None
        return Retrying(connector, self._clock, sleep=rest)

    def budget(self, name: str, connection: Connection, make: Callable[..., Budget]) -> Budget:
        """The calls of one org or portal, the same for every connection that reaches it; the first one's share holds.

        HubSpot has one host for all portals: there it is the portal, or as long as that is not known, the token.
        """
        account = ""
        if connection.kind.value == "hubspot":
            account = self.bound(name) or hashlib.sha256(str(_secret_of(connection)).encode()).hexdigest()
        key = (connection.kind.value, connection.base_url, account)
        if key not in self._budgets:
            self._budgets[key] = make(self._clock, share=connection.quota_share)
        return self._budgets[key]

    def bound(self, name: str) -> str | None:
        """The org or portal that a connection is bound to since its first check."""
        if self._store.revision() is None:
            return None  # nothing was ever bound
        with self._store.read() as tx:
            return runs.bound(tx).get(name)

    def _vault(self, name: str, connection: Connection, auth: RefreshToken) -> Vault:
        key = self._settings.credentials.key
        if key is None:
            raise UserError(
                f"connections.{name} signs in with a refresh token that may change with each use: set "
                "`credentials: {key: ${file:...}}`, the key with which it is kept."
            )
        good_for = f"{connection.base_url} {auth.client_id.reveal()}"
        given = auth.refresh_token.reveal()
        return Vault(self._store, self._clock, name=name, bound_to=good_for, given=given, key=key.reveal())

    def _salesforce(self, name: str, connection: Connection) -> Connector:
        from syncd.connectors.budget import salesforce_budget
        from syncd.connectors.salesforce import SalesforceConnector

        return SalesforceConnector(
            connection.base_url, self._salesforce_credentials(name, connection), self._clock,
            budget=self.budget(name, connection, salesforce_budget), version=connection.api_version,
            expected_uid=self.bound(name), **_reach(connection),
        )  # fmt: skip

    def _salesforce_credentials(self, name: str, connection: Connection) -> Credentials:
        from syncd.connectors.credentials import StaticToken
        from syncd.connectors.salesforce import (
            SalesforceClientCredentials,
            SalesforceRefreshToken,
            SalesforceSignedAssertion,
        )

        url, auth, reach = connection.base_url, connection.auth, _reach(connection)
        if isinstance(auth, ClientCredentials):
            secret = auth.client_secret.reveal()
            return SalesforceClientCredentials(url, auth.client_id.reveal(), secret, clock=self._clock, **reach)
        if isinstance(auth, SignedAssertion):
            return SalesforceSignedAssertion(
                url, auth.client_id.reveal(), auth.username, auth.private_key.reveal(), self._clock,
                audience=auth.audience, **reach,
            )  # fmt: skip
        if isinstance(auth, RefreshToken):
            secret_ = auth.client_secret.reveal() if auth.client_secret else None
            vault = self._vault(name, connection, auth)
            return SalesforceRefreshToken(url, auth.client_id.reveal(), secret_, vault, clock=self._clock, **reach)
        return StaticToken(_secret_of(connection))

    def _hubspot(self, name: str, connection: Connection) -> Connector:
        from syncd.connectors.budget import hubspot_budget
        from syncd.connectors.hubspot import HubSpotConnector

        return HubSpotConnector(
            self._hubspot_credentials(name, connection), self._clock, base_url=connection.base_url,
            budget=self.budget(name, connection, hubspot_budget), version=connection.api_version,
            expected_uid=self.bound(name), **_reach(connection),
        )  # fmt: skip

    def _hubspot_credentials(self, name: str, connection: Connection) -> Credentials:
        from syncd.connectors.credentials import StaticToken
        from syncd.connectors.hubspot import HubSpotRefresh

        auth = connection.auth
        if not isinstance(auth, RefreshToken):
            return StaticToken(_secret_of(connection))
        if auth.client_secret is None:
            raise UserError(f"connections.{name}: HubSpot wants the app's `client_secret` beside its refresh token.")
        return HubSpotRefresh(
            auth.client_id.reveal(), auth.client_secret.reveal(), self._vault(name, connection, auth), self._clock,
            base_url=connection.base_url, version=connection.api_version, expected_uid=self.bound(name),
            **_reach(connection),
        )  # fmt: skip

    def _files(self, name: str, connection: Connection) -> Connector:
        from syncd.connectors.files.client import FilesConnector

        assert connection.files is not None
        return FilesConnector(connection.files, self._clock)

    def _sql(self, name: str, connection: Connection) -> Connector:
        from syncd.connectors.sql.client import SqlConnector

        assert connection.sql is not None
        return SqlConnector(connection.sql)

    def _rest(self, name: str, connection: Connection) -> Connector:
        from syncd.connectors.rest.client import RestConnector, budget_of
        from syncd.connectors.rest.description import Description

        assert connection.rest is not None
        about = load(connection.rest, Description)
        return RestConnector(
            connection.base_url, about, connection.auth, self._clock,
            budget=self.budget(name, connection, partial(budget_of, about)), **_reach(connection),
        )  # fmt: skip


def _reach(connection: Connection) -> dict[str, Any]:
    """How a system is reached, the same for signing in and for calls."""
    from syncd.connectors.wire import Timeouts

    return {
        "emulator": connection.emulator,
        "timeouts": Timeouts(read=connection.timeout.total_seconds()),
        "ca_file": str(connection.ca_file) if connection.ca_file else None,
    }


def _secret_of(connection: Connection) -> str:
    """What tells one account from another where the host does not."""
    auth = connection.auth
    if isinstance(auth, Token):
        return auth.token.reveal()
    return auth.refresh_token.reveal() if isinstance(auth, RefreshToken) else ""


def _side(name: str, connection: Connection, mapping: Mapping, connector: Connector, zone: str) -> Side:
    beat, streams = connection.heartbeat, dict(mapping.streams)
    if beat is not None:
        own = {s: m.keeping_out(beat.id) for s, m in streams.items() if m.object.lower() == beat.object.lower()}
        streams |= own
    return Side(
        name=name,
        kind=connection.kind.value,
        roles=frozenset(role.value for role in connection.roles),
        connector=connector,
        streams=streams,
        authority=connection.authority.value,
        live=connection.mode.value == "live",
        ownership=connection.ownership.value,
        visible=connection.visibility == "full",
        heartbeat=Heartbeat(beat.object, beat.id, beat.field) if beat else None,
        settle_writes_after=connection.settle_writes_after,
        fresh_within=connection.stale_after,
        quiet=_quiet(connection, zone),
    )


def _quiet(connection: Connection, zone: str) -> QuietHours | None:
    """The quiet hours of a connection, in the zone of the settings."""
    said = connection.quiet
    if said is None:
        return None
    return QuietHours(time_of_day.fromisoformat(said.start), time_of_day.fromisoformat(said.end), zone)


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
        follow(work)
        yield work
    finally:
        store.close()


@contextmanager
def as_daemon(path: str | Path, clock: Clock | None = None) -> Iterator[Work]:
    """A Work that holds the daemon role: the only one that pulls and writes. Raises Stop when the role is taken."""
    with opened(path, clock, take_role) as work:
        yield work


class Reloader:
    """Reads the configuration again for a daemon at work, where one of its files has changed."""

    def __init__(self, path: str | Path, work: Work) -> None:
        self._path, self._work = path, work
        self._seen = _files_of(path)

    def __call__(self, anyway: bool = False) -> Work | None:
        """The work as the files say now; None when they say what they said. Raises UserError and OSError."""
        now = _files_of(self._path)
        if now == self._seen and not anyway:
            return None
        self._seen = now
        config = load_config(self._path)
        if make_url(config.settings.database.reveal()) != self._work.store.url:
            raise UserError("`database` has changed: that needs a restart. Everything else can change under way.")
        return build(config, self._work.store, self._work.clock)


def _files_of(path: str | Path) -> dict[str, str]:
    """A hash of each file that the configuration consists of. Raises UserError and OSError."""
    files = [str(path), *named_files(read_yaml(path, includes=False)).values()]
    return {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files}


def take_role(store: Store) -> None:
    """Take the daemon role and bring the schema up to date, never under another daemon that is at work."""
    if store.revision() is None:
        store.upgrade()
    store.enter(holder_name())
    store.upgrade()


def holder_name() -> str:
    """Who we are in a lease: host, process, and a mark that a restarted process does not share."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
