"""What `syncd.yaml` may say: the one frozen `Settings` that the rest of syncd is built from."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    field_validator,
)

from syncd.settings.refuse import refuse, refuse_key
from syncd.settings.secrets import Database, Identifier, Secret
from syncd.settings.values import Duration, File, Host, Instant, Name, Seconds, Zone, read_host
from syncd.settings.words import did_you_mean


class Section(BaseModel):
    """A part of a YAML file: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)


class Kind(StrEnum):
    """Which system a connection talks to."""

    SALESFORCE = "salesforce"
    HUBSPOT = "hubspot"


class Role(StrEnum):
    """Whose side of the business a connection shows: the vendor's own sales, or what partners filed."""

    DIRECT = "direct"
    PARTNER = "partner"


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


_Flow = ClientCredentials | Token | SignedAssertion | RefreshToken
_FLOWS: dict[str, dict[str, type[_Flow]]] = {
    "salesforce": {
        "client_credentials": ClientCredentials,
        "jwt": SignedAssertion,
        "refresh_token": RefreshToken,
        "token": Token,
    },
    "hubspot": {"token": Token, "refresh_token": RefreshToken},
}


def _auth(value: Any, info: ValidationInfo) -> _Flow:
    """Choose by `flow` among what the kind of the connection offers."""
    if isinstance(value, _Flow):
        return value
    kind = info.data.get("kind")
    offered = _FLOWS[kind] if kind else _FLOWS["salesforce"] | _FLOWS["hubspot"]
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
    _Flow,
    PlainValidator(_auth, json_schema_input_type=_Flow),
    PlainSerializer(lambda auth: auth.model_dump(), return_type=dict[str, Any]),
]


class Heartbeat(Section):
    """The record by which banners in the CRM know that syncd is alive."""

    object: str = Field(min_length=1, examples=["Syncd_Heartbeat__c"])
    id: str = Field(min_length=1, description="Id of the record.")
    field: str = Field(min_length=1, examples=["Last_Seen__c"])


class Connection(Section):
    """One account in one CRM or PRM."""

    kind: Kind = Field(description="Which system it is.", examples=["salesforce"])
    emulator: bool = Field(default=False, description="Whether it is syncd's emulator on this machine.")
    roles: tuple[Role, ...] = Field(description="`direct`, `partner`, or `both`.", examples=["[direct]"])
    host: Annotated[Host, PlainSerializer(str, return_type=str)] = Field(
        default=Host("https", "api.hubapi.com"),
        description="Where it answers.",
        validate_default=True,
        json_schema_extra={"default": "api.hubapi.com"},
    )
    api_version: str = Field(default="", description="Version of its API.", validate_default=True)
    ca_file: File | None = Field(
        default=None, description="Certificates to trust besides the usual ones, in PEM form.", examples=["ca.pem"]
    )
    auth: Auth = Field(description="How to sign in.")
    mapping: File = Field(description="The mapping file.", examples=["mappings/salesforce.yaml"])
    mode: Mode = Field(default=Mode.SHADOW, description="`shadow` writes nothing, `live` writes.")
    ownership: Ownership = Field(default=Ownership.OFF, description="What happens to the ownership field.")
    authority: Authority = Field(default=Authority.SOURCE, description="Whose word counts on a registration.")
    visibility: Literal["full", "partial"] = Field(
        default="partial", description="`full` states that the integration user sees every record."
    )
    heartbeat: Heartbeat | None = Field(default=None, description="The record that shows that syncd is alive.")
    quota_share: float = Field(
        default=0.5, gt=0, le=1, description="The share of the daily API calls that syncd may use."
    )
    timeout: Seconds = Field(
        default=timedelta(seconds=60),
        description="How long to wait for one answer.",
        examples=["60s"],
        json_schema_extra={"default": "60s"},
    )

    settle_writes_after: Seconds = Field(
        default=timedelta(minutes=10),
        description="How long the CRM may still apply a write whose answer was lost; then it is read back.",
        examples=["10m"],
    )

    @property
    def base_url(self) -> str:
        """Where its API answers, without a slash at the end."""
        return self.host.url

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

    @field_validator("host", mode="plain", json_schema_input_type=str)
    @classmethod
    def _host(cls, value: Any, info: ValidationInfo) -> Host:
        hubspot = info.data.get("kind", Kind.HUBSPOT) is Kind.HUBSPOT
        if isinstance(value, Host) and hubspot and not info.data.get("emulator"):
            return value  # the default; there is only one host of HubSpot
        if isinstance(value, Host):
            refuse(
                "missing_host", "`host` is missing.", "Add `host: acme.my.salesforce.com`, or the emulator's address."
            )
        return read_host(value, info.data.get("kind"), info.data.get("emulator") is True)

    @field_validator("api_version", mode="before", json_schema_input_type=str | float)
    @classmethod
    def _version(cls, value: Any, info: ValidationInfo) -> Any:
        kind = info.data.get("kind")
        text = str(value if value is not None else "").lower().removeprefix("v")
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


class Schedule(Section):
    """How often the daemon works."""

    every: Duration = Field(default=timedelta(seconds=60), description="Time between two cycles.", examples=["60s"])


class Matching(Section):
    """From which score on a link acts by itself, and from which a person looks at it."""

    review: float = Field(default=0.10, ge=0, le=1, description="Links from this score on wait for a person.")
    auto: float = Field(
        default=0.97, ge=0, le=1, description="Links from this score on act by themselves.", validate_default=True
    )

    @field_validator("auto")
    @classmethod
    def _above_review(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("review", -1.0):
            refuse("matching", "must be above `review`.", "For example `auto: 0.97` and `review: 0.10`.")
        return value


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
    matching: Matching = Matching()
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
