"""What `syncd.yaml` may say: the one frozen `Settings` that the rest of syncd is built from."""

from __future__ import annotations

from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import PydanticKnownError

from syncd.settings.refuse import refuse, refuse_key
from syncd.settings.secrets import Database, Identifier, Secret
from syncd.settings.section import Section
from syncd.settings.sources import FilesSource, SqlSource
from syncd.settings.values import (
    AnchorPlace,
    Duration,
    File,
    Folder,
    Host,
    Instant,
    Listen,
    Name,
    Seconds,
    WebAddress,
    Zone,
    is_loopback,
    read_host,
)
from syncd.settings.words import did_you_mean


class Kind(StrEnum):
    """Which system a connection talks to."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"
    FILES = "files"
    SQL = "sql"
    REST = "rest"


class Role(StrEnum):
    """Whose side of the business a connection shows: the vendor's own sales, or what partners filed."""

    DIRECT = "direct"
    PARTNER = "partner"


_CHANNELS = (
    "discord", "gchat", "jsons", "mailtos", "mmosts", "msteams", "ntfys", "opsgenie", "pagerduty", "rocket", "slack",
    "tgram", "workflows", "xmls",
)  # fmt: skip
"""The schemes of Apprise that alerts may take: services that many have, each over TLS."""


def _alert_address(value: Secret) -> Secret:
    try:
        scheme, _, rest = value.reveal().partition("://")
    except ValueError:
        return value  # that it leads nowhere is told by the secret itself
    local = scheme == "json" and is_loopback(rest.partition("/")[0].rpartition(":")[0])
    if scheme not in _CHANNELS and not local:
        refuse("alert_address", f"has the scheme `{scheme[:20]}`.", f"Use one of {', '.join(_CHANNELS)}.")
    return value


AlertAddress = Annotated[Secret, AfterValidator(_alert_address)]
"""An Apprise URL of a scheme that is allowed; `json` reaches this machine only."""

_RoleWord = Literal["direct", "partner", "both"]


class Mode(StrEnum):
    """Whether anything is written to the CRM at all."""

    SHADOW = "shadow"
    LIVE = "live"


class Ownership(StrEnum):
    """What happens to the ownership field."""

    OFF = "off"
    SUGGEST = "suggest"
    ENFORCE = "enforce"


class Authority(StrEnum):
    """Whose word counts on a registration: the PRM's own approvals, or syncd's decisions."""

    SOURCE = "source"
    SYNCD = "syncd"


class ClientCredentials(Section):
    """Sign in as the run-as user of an External Client App."""

    flow: Literal["client_credentials"]
    client_id: Identifier = Field(description="Consumer key of the app.", examples=["${env:CRM_CLIENT_ID}"])
    client_secret: Secret = Field(description="Consumer secret.", examples=["${env:CRM_CLIENT_SECRET}"])


class Token(Section):
    """Use a token that does not expire by itself, such as that of a HubSpot private app."""

    flow: Literal["token"]
    token: Secret = Field(description="The access token.", examples=["${env:PRM_TOKEN}"])


class SignedAssertion(Section):
    """Sign in with an assertion signed by our own private key; the app holds the certificate."""

    flow: Literal["jwt"]
    client_id: Identifier = Field(description="Consumer key of the app.", examples=["${env:CRM_CLIENT_ID}"])
    username: str = Field(min_length=1, description="The user as whom syncd works.", examples=["syncd@acme.com"])
    private_key: Secret = Field(
        description="Private key in PEM form.", examples=["${file:/run/secrets/salesforce-key.pem}"]
    )
    audience: Literal["login", "test"] = Field(
        default="login", description="`login` for a production org, `test` for a sandbox org."
    )


class RefreshToken(Section):
    """Sign in with a refresh token; where the other side changes it with each use, the new one is kept encrypted."""

    flow: Literal["refresh_token"]
    client_id: Identifier = Field(description="Client id of the app.", examples=["${env:PRM_CLIENT_ID}"])
    client_secret: Secret | None = Field(
        default=None, description="Client secret, if the app has one.", examples=["${env:PRM_CLIENT_SECRET}"]
    )
    refresh_token: Secret = Field(description="The token to begin with.", examples=["${env:PRM_REFRESH_TOKEN}"])


class Basic(Section):
    """Send a user's name and password with every call."""

    flow: Literal["basic"]
    username: Identifier = Field(description="The user.", examples=["${env:PRM_USER}"])
    password: Secret = Field(description="The password.", examples=["${env:PRM_PASSWORD}"])


class HeaderKey(Section):
    """Send a key with every call in a header of its own."""

    flow: Literal["header"]
    header: str = Field(pattern=r"^[A-Za-z0-9-]{1,80}$", description="Name of the header.", examples=["X-Api-Key"])
    key: Secret = Field(description="The key.", examples=["${env:PRM_KEY}"])


_Flow = ClientCredentials | Token | SignedAssertion | RefreshToken | Basic | HeaderKey
_FLOWS: dict[str, dict[str, type[_Flow]]] = {
    "salesforce": {
        "client_credentials": ClientCredentials,
        "jwt": SignedAssertion,
        "refresh_token": RefreshToken,
        "token": Token,
    },
    "hubspot": {"token": Token, "refresh_token": RefreshToken},
    "rest": {"token": Token, "client_credentials": ClientCredentials, "basic": Basic, "header": HeaderKey},
}


def _auth(value: Any, info: ValidationInfo) -> _Flow:
    """Choose by `flow` among what the kind of the connection offers."""
    if isinstance(value, _Flow):
        return value
    kind = info.data.get("kind")
    offered = {name: flow for of, flows in _FLOWS.items() for name, flow in flows.items() if kind in (None, of)}
    known = ", ".join(offered)
    if not isinstance(value, dict):
        refuse("auth", "must be a section with `flow` and what it needs.", f"Flows here: {known}.")
    if "flow" not in value:
        refuse(
            "auth", "does not say by which `flow` to sign in.", f"Add `flow: {next(iter(offered))}`; known: {known}."
        )
    flow = value["flow"]
    if not isinstance(flow, str) or flow not in offered:
        hint = f"{did_you_mean(str(flow), offered)} Known: {known}."
        refuse_key("flow", "auth", f"this way to sign in is not offered for {kind or 'any kind'}.", hint)
    return offered[flow].model_validate(value, context=info.context)


Auth = Annotated[
    _Flow | None,
    PlainValidator(_auth, json_schema_input_type=_Flow),
    PlainSerializer(lambda auth: auth and auth.model_dump(), return_type=dict[str, Any] | None),
]


_APIS = frozenset({Kind.SALESFORCE, Kind.HUBSPOT, Kind.REST})
_KINDS_OF: dict[str, frozenset[Kind]] = {
    "emulator": _APIS,
    "host": _APIS,
    "api_version": frozenset({Kind.SALESFORCE, Kind.HUBSPOT}),
    "ca_file": _APIS,
    "auth": _APIS,
    "files": frozenset({Kind.FILES}),
    "sql": frozenset({Kind.SQL}),
    "rest": frozenset({Kind.REST}),
    "heartbeat": _APIS | {Kind.SQL},
    "quota_share": _APIS,
    "timeout": _APIS,
    "webhook": frozenset({Kind.HUBSPOT}),
}
"""Which kinds of connection have a key; a key that is not here belongs to all."""

_INSTEAD = {
    Kind.FILES: "What the exports are is said in the section `files`.",
    Kind.SQL: "What the database is is said in the section `sql`.",
    Kind.REST: "What the API is like is said in the file that `rest` names.",
}


def _refuse_foreign(kind: Kind | None, key: str) -> None:
    """Refuse a key that a connection of this kind does not have."""
    if kind is not None and kind not in _KINDS_OF[key]:
        owners = ", ".join(one.value for one in Kind if one in _KINDS_OF[key])
        remedy = f"Remove the line. {_INSTEAD.get(kind, '')}"
        refuse("foreign_key", f"has no meaning for {kind.value}; it is a key of {owners}.", remedy)


def _demand(kind: Kind | None, key: str) -> None:
    """Refuse that a key is missing which a connection of this kind cannot do without."""
    if kind is not None and kind in _KINDS_OF[key]:
        raise PydanticKnownError("missing")


_CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


class Heartbeat(Section):
    """The record by which banners in the CRM know that syncd is alive."""

    object: str = Field(min_length=1, examples=["Syncd_Heartbeat__c"])
    id: str = Field(min_length=1, description="Id of the record.")
    field: str = Field(min_length=1, examples=["Last_Seen__c"])


class Webhook(Section):
    """How HubSpot may tell that something has changed."""

    secret: Secret = Field(
        description="The client secret of the app that sends them.", examples=["${env:HUBSPOT_CLIENT_SECRET}"]
    )
    url: WebAddress = Field(
        description="The address that the app was given; it ends in /webhooks/ and the name of the connection.",
        examples=["https://sync.example.com/webhooks/prm"],
    )


class Quiet(Section):
    """When a connection is left in peace. What takes something back, such as a protection that is over, never waits."""

    start: Annotated[str, Field(pattern=_CLOCK)] = Field(description="From then on.", examples=['"20:00"'])
    end: Annotated[str, Field(pattern=_CLOCK)] = Field(
        description="Until then, perhaps of the next day.", examples=['"06:00"']
    )

    @field_validator("end")
    @classmethod
    def _another(cls, value: str, info: ValidationInfo) -> str:
        if value == info.data.get("start"):
            refuse("quiet", "is the same as `start`.", "Quiet hours end at another time of day than they begin.")
        return value


class Bands(Section):
    """The bands of links to or from one connection; what is left out is as `matching` says for all."""

    review: float | None = Field(default=None, ge=0, le=1, description="Links from this score on wait for a person.")
    auto: float | None = Field(default=None, ge=0, le=1, description="Links from this score on act by themselves.")

    @field_validator("auto")
    @classmethod
    def _above_review(cls, value: float | None, info: ValidationInfo) -> float | None:
        review = info.data.get("review")
        if value is not None and review is not None and value <= review:
            refuse("matching", "must be above `review`.", "For example `auto: 0.99` and `review: 0.10`.")
        return value


class Connection(Section):
    """One account in one CRM or PRM."""

    kind: Kind = Field(description="Which system it is.", examples=["salesforce"])
    emulator: bool = Field(default=False, description="Whether it is syncd's emulator on this machine.")
    roles: tuple[Role, ...] = Field(description="`direct`, `partner`, or `both`.", examples=["[direct]"])
    host: Annotated[Host | None, PlainSerializer(lambda host: host and str(host), return_type=str | None)] = Field(
        default=None,
        description="Where it answers; HubSpot answers at api.hubapi.com.",
        validate_default=True,
        examples=["acme.my.salesforce.com"],
    )
    api_version: str = Field(default="", description="Version of its API.", validate_default=True)
    ca_file: File | None = Field(
        default=None, description="Certificates to trust besides the usual ones, in PEM form.", examples=["ca.pem"]
    )
    auth: Auth = Field(default=None, description="How to sign in.", validate_default=True)
    files: FilesSource | None = Field(default=None, description="The exports, for kind files.", validate_default=True)
    sql: SqlSource | None = Field(default=None, description="The database, for kind sql.", validate_default=True)
    rest: File | None = Field(
        default=None, description="The file that describes the API, for kind rest.", validate_default=True,
        examples=["rest.yaml"],
    )  # fmt: skip
    mapping: File = Field(description="The mapping file.", examples=["mappings/salesforce.yaml"])
    mode: Mode = Field(default=Mode.SHADOW, description="`shadow` writes nothing, `live` writes.")
    ownership: Ownership = Field(default=Ownership.OFF, description="What happens to the ownership field.")
    authority: Authority = Field(default=Authority.SOURCE, description="Whose word counts on a registration.")
    visibility: Literal["full", "partial"] = Field(
        default="partial", description="`full` states that the integration user sees every record."
    )
    heartbeat: Heartbeat | None = Field(default=None, description="The record that shows that syncd is alive.")
    quiet: Quiet | None = Field(
        default=None, description="Times of day, in the zone of the settings, in which nothing new is written."
    )
    matching: Bands = Field(
        default=Bands(), description="Bands of its own links; between two connections the more careful ones hold."
    )
    quota_share: float = Field(
        default=0.5, gt=0, le=1, description="The share of the daily API calls that syncd may use."
    )
    timeout: Seconds = Field(
        default=timedelta(seconds=60),
        description="How long to wait for one answer.",
        examples=["60s"],
        json_schema_extra={"default": "60s"},
    )

    fresh_within: Duration | None = Field(
        default=None,
        description="How old what is known of it may be before /readyz and alerts say so: 15m, or 25h for files.",
        examples=["15m"],
    )
    webhook: Webhook | None = Field(
        default=None, description="HubSpot's messages that something has changed, so that it is read at once."
    )
    settle_writes_after: Seconds = Field(
        default=timedelta(minutes=10),
        description="How long the CRM may still apply a write whose answer was lost; then it is read back.",
        examples=["10m"],
    )

    @property
    def stale_after(self) -> timedelta:
        """How old what is known of it may be."""
        return self.fresh_within or (timedelta(hours=25) if self.kind is Kind.FILES else timedelta(minutes=15))

    @property
    def base_url(self) -> str:
        """Where its API answers, without a slash at the end."""
        return self.host.url if self.host else ""

    @property
    def is_direct(self) -> bool:
        """Whether it shows the vendor's own sales."""
        return Role.DIRECT in self.roles

    @property
    def is_partner(self) -> bool:
        """Whether it shows what partners filed."""
        return Role.PARTNER in self.roles

    @field_validator("roles", mode="before", json_schema_input_type=_RoleWord | list[_RoleWord])
    @classmethod
    def _roles(cls, value: Any) -> Any:
        named = [value] if isinstance(value, str) else value
        if not isinstance(named, list | tuple) or not named:
            refuse("roles", "must be a list of roles.", "Write `[direct]`, `[partner]` or `[both]`.")
        if len(named) != len(set(map(str, named))) or ("both" in named and len(named) > 1):
            refuse("roles", "names a role twice.", "Write `[direct]`, `[partner]` or `[both]`.")
        for role in named:
            if role not in ("direct", "partner", "both"):
                hint = did_you_mean(str(role), ("direct", "partner", "both"))
                refuse("roles", "contains something that is not a role.", f"{hint} Roles are direct, partner and both.")
        return ("direct", "partner") if "both" in named else tuple(sorted(named))

    @field_validator("emulator", "ca_file", "heartbeat", "quota_share", "timeout", "webhook", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        _refuse_foreign(info.data.get("kind"), str(info.field_name))
        return value

    @field_validator("auth", "files", "sql", "rest", mode="wrap")
    @classmethod
    def _needed(cls, value: Any, read: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        kind, key = info.data.get("kind"), str(info.field_name)
        if value is None:
            _demand(kind, key)
            return None
        _refuse_foreign(kind, key)
        return read(value)

    @field_validator("host", mode="plain", json_schema_input_type=str)
    @classmethod
    def _host(cls, value: Any, info: ValidationInfo) -> Host | None:
        kind, emulator = info.data.get("kind"), info.data.get("emulator") is True
        if value is not None:
            _refuse_foreign(kind, "host")
            return value if isinstance(value, Host) else read_host(value, kind, emulator)
        if kind in (None, Kind.HUBSPOT) and not emulator:
            return Host("https", "api.hubapi.com")
        _demand(kind, "host")
        return None

    @field_validator("api_version", mode="before", json_schema_input_type=str | float)
    @classmethod
    def _version(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        text = str(value if value is not None else "").lower().removeprefix("v")
        if text:
            _refuse_foreign(kind, "api_version")
        if kind == "salesforce":
            return _salesforce_version(text)
        if kind == "hubspot":
            return _hubspot_version(text)
        return text

    @field_validator("ownership")
    @classmethod
    def _ownership(cls, value: Ownership, info: ValidationInfo) -> Ownership:
        if value is not Ownership.OFF and Role.DIRECT not in info.data.get("roles", (Role.DIRECT,)):
            refuse("ownership", "has no meaning here: only the direct CRM has owners to suggest.", "Remove the line.")
        return value

    @field_validator("authority")
    @classmethod
    def _authority(cls, value: Authority, info: ValidationInfo) -> Authority:
        if Role.PARTNER not in info.data.get("roles", (Role.PARTNER,)):
            refuse("authority", "has no meaning here: only a partner connection has registrations.", "Remove the line.")
        return value


def _salesforce_version(text: str) -> str:
    whole = text.removesuffix(".0") or "68"
    if not whole.isdigit() or not 60 <= int(whole) <= 99:
        refuse(
            "api_version", "is not a version that syncd can speak to Salesforce.", 'Write `"68.0"`; 60.0 is the oldest.'
        )
    return f"{whole}.0"


def _hubspot_version(text: str) -> str:
    version = {"": "2026-09", "3": "v3"}.get(text, text)
    if version not in ("2026-09", "2026-03", "v3"):
        refuse(
            "api_version", "is not a version that syncd can speak to HubSpot.", "Write `2026-09`, `2026-03` or `v3`."
        )
    return version


class FreezeDays(Section):
    """Days on which no owner is changed, both included."""

    first: date = Field(examples=["2026-12-18"])
    last: date = Field(examples=["2027-01-04"])
    reason: str = Field(default="", examples=["quarter end"])

    @field_validator("last")
    @classmethod
    def _after_first(cls, value: date, info: ValidationInfo) -> date:
        if value < info.data.get("first", value):
            refuse("freeze", "is before `first`.", "Write the first day, then the last.")
        return value


class Schedule(Section):
    """How often the daemon works, and when owners are left alone."""

    every: Duration = Field(default=timedelta(seconds=60), description="Time between two cycles.", examples=["60s"])
    sweep: Duration = Field(
        default=timedelta(days=1),
        description="How often everything is read to find what no change tells of: deletions, merges, drift.",
        examples=["24h"],
    )
    refresh_formulas: Duration = Field(
        default=timedelta(hours=6),
        description="The same for objects with formula fields, which change without a trace.",
        examples=["6h"],
    )
    owner_freeze: tuple[FreezeDays, ...] = Field(
        default=(), description="Days on which no owner is changed, in `timezone`; stamps and expiries go on."
    )


class Brakes(Section):
    """When syncd stops and asks a person."""

    vanished_share: float = Field(
        default=0.05, gt=0, le=1, description="The share of an object's records that may be gone at once."
    )
    vanished_least: int = Field(default=20, ge=1, description="Fewer records than this never stop it.")
    written_most: int = Field(
        default=50_000, ge=1, description="More writes than this to one connection at once wait for a person."
    )
    written_share: float = Field(
        default=0.05, gt=0, le=1, description="The share of a connection's records that may be written at once."
    )
    written_least: int = Field(default=5_000, ge=1, description="So many writes at once never stop it.")
    relink_share: float = Field(
        default=0.02,
        gt=0,
        le=1,
        description="The share of acting links that may change when `syncd match refresh` freezes statistics anew.",
    )
    relink_least: int = Field(default=20, ge=1, description="Fewer changed links than this never stop it.")


class Matching(Section):
    """From which score on a link acts by itself, and from which a person looks at it.

    By the cost of each error: where a false link blocks a rep and is as bad as N companies that wait for a person's
    look, `auto` is N / (N + 1); the default 0.97 says 32. Links that only inform may use the band of review.
    """

    review: float = Field(default=0.10, ge=0, le=1, description="Links from this score on wait for a person.")
    auto: float = Field(
        default=0.97, ge=0, le=1, description="Links from this score on act by themselves.", validate_default=True
    )
    duplicates: float = Field(
        default=0.97, ge=0.5, le=1, description="Two accounts of one system are one company from this score on."
    )
    twins: float = Field(
        default=0.50, ge=0, le=1, description="Two records of one side are shown to a person from this score on."
    )
    points: File | None = Field(
        default=None,
        description="A points table of your own, as `syncd match train` or `match adapt` wrote it; the shipped one "
        "otherwise. A new table holds from the next `syncd match refresh` on.",
        examples=["points.csv"],
    )

    index: Folder | None = Field(
        default=None,
        description="The folder for the index of keys, a cache file of this host; beside an SQLite database unless "
        "named, nowhere with PostgreSQL. It may be deleted at any time.",
        examples=["cache"],
    )

    @field_validator("auto")
    @classmethod
    def _above_review(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("review", -1.0):
            refuse("matching", "must be above `review`.", "For example `auto: 0.97` and `review: 0.10`.")
        return value


class Alerts(Section):
    """Who is told when something is wrong with syncd itself, and when it is right again."""

    to: tuple[AlertAddress, ...] = Field(
        default=(),
        description="Apprise URLs, each by reference, because they hold secrets: Slack, Teams, mail and the like.",
        examples=["[${env:SYNCD_ALERTS}]"],
    )


class Server(Section):
    """What the daemon serves beside its work: /livez, /readyz, /status, /metrics, and webhooks in."""

    listen: Listen | None = Field(
        default=None,
        description="Where it listens; without it nothing is served. Other machines reach it only through a proxy, or "
        "where it is told to listen on an address of the network.",
        examples=["127.0.0.1:8750"],
    )


class Log(Section):
    """How the log looks."""

    format: Literal["auto", "json", "text"] = Field(
        default="auto", description="`auto` is text on a terminal, JSON elsewhere."
    )
    level: Literal["debug", "info", "warning", "error"] = "info"


class Ledger(Section):
    """How the ledger is sealed."""

    key: Secret | None = Field(
        default=None,
        description="Key of the HMAC over each entry; without one, only an anchor kept elsewhere shows a rewrite.",
        examples=["${file:/run/secrets/syncd-ledger-key}"],
    )
    anchor: AnchorPlace | None = Field(
        default=None,
        description="Where the length and the last hash of the ledger are told once a day: a file, best on another "
        "machine, or a URL that is sent them as JSON.",
        examples=["/mnt/audit/syncd-anchors.jsonl", "https://audit.example.com/syncd"],
    )


class Credentials(Section):
    """How tokens that change with their use are kept."""

    key: Secret | None = Field(
        default=None,
        description="Key with which they are encrypted; needed where a connection signs in with `refresh_token`.",
        examples=["${file:/run/secrets/syncd-credentials-key}"],
    )


class Connections(dict[Name, Connection]):
    """The connections by name, in the order of the file; cannot be changed."""

    def _fixed(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("settings do not change")

    __setitem__ = __delitem__ = clear = pop = popitem = setdefault = update = __ior__ = _fixed

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))


class Settings(Section):
    """Everything that `syncd.yaml` says, checked."""

    version: Literal[1] = Field(description="Version of this format.", examples=["1"])
    database: Database = Field(description="Where the state lives.", examples=["sqlite:///syncd.db"])
    timezone: Zone = Field(
        "UTC", description="The zone in which dates are meant and shown.", examples=["Europe/London"]
    )
    go_live: Instant = Field(description="Nothing filed before it is judged.", examples=["2026-11-23"])
    policy: File = Field(description="The policy file.", examples=["policy.yaml"])
    connections: Annotated[dict[Name, Connection], AfterValidator(Connections)] = Field(
        description="The CRM and PRM accounts, by a name of your choice."
    )
    schedule: Schedule = Schedule()
    brakes: Brakes = Brakes()
    matching: Matching = Matching()
    server: Server = Server()
    alerts: Alerts = Alerts()
    ledger: Ledger = Ledger()
    credentials: Credentials = Credentials()
    log: Log = Log()
    _file: Path = PrivateAttr(default=Path("syncd.yaml"))

    @property
    def file(self) -> Path:
        """The settings file, absolute."""
        return self._file

    @property
    def folder(self) -> Path:
        """Where relative paths start."""
        return self._file.parent

    @property
    def direct(self) -> tuple[str, Connection]:
        """The one direct connection and its name."""
        return next((name, one) for name, one in self.connections.items() if one.is_direct)

    @property
    def partners(self) -> tuple[tuple[str, Connection], ...]:
        """The connections that show what partners filed, with their names."""
        return tuple((name, one) for name, one in self.connections.items() if one.is_partner)
