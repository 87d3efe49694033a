"""The kinds of value that settings are made of: lengths of time, hosts, time zones, paths, names."""

from __future__ import annotations

import ipaddress
import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from syncd.settings.refuse import refuse
from syncd.settings.secrets import surroundings

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+[smhd])+")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")

SALESFORCE_HOSTS = (
    re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+){0,2}\.my\.salesforce\.com"),  # My Domain, sandboxes: acme--uat.sandbox.my
    re.compile(r"(na|eu|ap|um|cs|usa|ind|aus|can|deu|fra|gbr|jpn)\d+s?\.salesforce\.com"),  # instances of older orgs
)
HUBSPOT_HOSTS = (re.compile(r"api\.hubapi\.com"),)


def read_duration(value: Any) -> timedelta:
    """A length of time as people write it. Raises a ValueError."""
    if isinstance(value, timedelta):
        return value
    text = value.strip().lower().replace(" ", "") if isinstance(value, str) else ""
    if not _DURATION.fullmatch(text):
        remedy = "Write a number and a unit: `30s`, `5m`, `2h` or `1d`."
        refuse("duration", "is not a length of time.", remedy)
    seconds = sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhd])", text))
    if not 1 <= seconds <= 366 * 86400:
        remedy = "Write something between `1s` and `366d`."
        refuse("duration", "is too short or too long a time.", remedy)
    return timedelta(seconds=seconds)


def _seconds(value: Any) -> Any:
    plain = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
    return f"{round(value)}s" if plain and value == round(value) else value


Duration = Annotated[
    timedelta,
    PlainValidator(read_duration, json_schema_input_type=str),
    PlainSerializer(lambda d: f"{int(d.total_seconds())}s", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+[smhd])+$"}),
]
"""A length of time with its unit."""

Seconds = Annotated[Duration, BeforeValidator(_seconds), WithJsonSchema({"type": ["number", "string"]})]
"""A length of time; a number without unit means seconds."""


def _zone(value: Any) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError, AttributeError):
        remedy = "Use a name of the time zone database, such as `Europe/London` or `UTC`."
        refuse("time_zone", "is not a time zone that syncd knows.", remedy)
    return str(value)


Zone = Annotated[str, BeforeValidator(_zone)]
"""The name of a time zone."""


def _go_live(value: Any, info: ValidationInfo) -> datetime:
    """An instant from a date or a date and time; without a zone it is meant in `timezone`."""
    zone = ZoneInfo(info.data.get("timezone", "UTC"))
    moment = value if isinstance(value, datetime) else None
    if moment is None and isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            moment = None
    if moment is None and isinstance(value, date):
        moment = datetime.combine(value, time(), zone)
    if moment is None or not 2000 <= moment.year <= 2100:
        remedy = "Write `2026-11-23`, or `2026-11-23T09:00:00+01:00`."
        refuse("go_live", "is not a date.", remedy)
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


Instant = Annotated[
    datetime,
    PlainValidator(_go_live, json_schema_input_type=str),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A point in time, kept in UTC."""


def _file(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        remedy = "Write its path, seen from this file."
        refuse("file", "must be the path of a file.", remedy)
    path = (surroundings(info).folder / str(value).strip()).absolute()
    if not path.is_file() and "${" not in str(value):
        remedy = "Correct the path (it starts at the folder of this file), or create the file."
        refuse("file", f"there is no file `{value}`.", remedy)
    return path


File = Annotated[
    Path,
    PlainValidator(_file, json_schema_input_type=str),
    PlainSerializer(Path.as_posix, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A file that exists; a relative path starts at the folder of the settings file."""


def _folder(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        refuse("folder", "must be the path of a folder.", "Write its path, seen from this file.")
    path = (surroundings(info).folder / str(value).strip()).absolute()
    if not path.is_dir() and "${" not in str(value):
        remedy = "Create it, or correct the path (it starts at the folder of this file)."
        refuse("folder", f"there is no folder `{value}`.", remedy)
    return path


Folder = Annotated[
    Path,
    PlainValidator(_folder, json_schema_input_type=str),
    PlainSerializer(Path.as_posix, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A folder that exists; a relative path starts at the folder of the settings file."""


def _anchor(value: Any, info: ValidationInfo) -> str:
    text = str(value).strip() if isinstance(value, str | Path) else ""
    if "://" in text:
        parts = urlsplit(text)
        if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
            refuse("anchor_url", "must be an https URL without a name or password.", "Write `https://host/path`.")
        return text
    path = (surroundings(info).folder / text).absolute()
    if not text or path.is_dir() or not path.parent.is_dir():
        remedy = "Write the path of a file in a folder that exists (it starts at the folder of this file), or a URL."
        refuse("anchor", "is no place for anchors.", remedy)
    return str(path)


AnchorPlace = Annotated[str, PlainValidator(_anchor, json_schema_input_type=str), WithJsonSchema({"type": "string"})]
"""A file to be appended to, or an https URL."""


class Address(NamedTuple):
    """Where a server of ours listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _address(value: Any) -> Address:
    if isinstance(value, Address):
        return value
    host, _, port = str(value).strip().rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65_535:
        refuse("listen", "is no address to listen on.", "Write host and port, such as `127.0.0.1:8750`.")
    try:
        ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        refuse("listen", f"`{host}` is no address of this machine.", "Write an address such as `127.0.0.1:8750`.")
    return Address("127.0.0.1" if host == "localhost" else host, int(port))


Listen = Annotated[
    Address,
    PlainValidator(_address, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""An address and a port to listen on."""


def _web_address(value: Any) -> str:
    text = str(value).strip()
    parts = urlsplit(text)
    plain = parts.scheme == "http" and is_loopback(parts.hostname or "")
    if not (parts.scheme == "https" or plain) or not parts.hostname or parts.username or parts.password:
        refuse("web_address", "must be an https URL without a name or password.", "Write `https://host/path`.")
    return text


WebAddress = Annotated[
    str, PlainValidator(_web_address, json_schema_input_type=str), WithJsonSchema({"type": "string"})
]
"""A public https address of ours; on this machine http too."""


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        remedy = "Use small letters, digits, `-` and `_`, starting with a letter; at most 40."
        refuse("name", "is not a usable name for a connection.", remedy)
    return value


Name = Annotated[str, BeforeValidator(_name)]
"""The label of a connection."""


class Host(NamedTuple):
    """Where a CRM answers. https, except for an emulator on this machine."""

    scheme: str
    name: str
    port: int | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{self.scheme}://{name}" + (f":{self.port}" if self.port else "")

    def __str__(self) -> str:
        return self.url

    @property
    def loopback(self) -> bool:
        """Whether it is this very machine."""
        return is_loopback(self.name)


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this very machine."""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def read_host(value: Any, kind: str | None, emulator: bool) -> Host:
    """The host of a connection of `kind`, checked against what is allowed for it. Raises a ValueError."""
    host = _parsed(value, kind)
    if emulator:
        return _emulated(host, kind)
    if host.loopback:
        remedy = "Add `emulator: true` to the connection if that is meant."
        refuse("host_loopback", "is this very machine, which is only for the emulator.", remedy)
    if host.scheme != "https":
        refuse("host_http", "must be reached by https.", f"Write `{host.name}`.")
    allowed = {"salesforce": SALESFORCE_HOSTS, "hubspot": HUBSPOT_HOSTS}.get(kind or "")
    if allowed is None:
        return host
    if host.port not in (None, 443) or not any(pattern.fullmatch(host.name) for pattern in allowed):
        refuse("host", f"is not a host of {_TITLES[kind or '']}.", _host_remedy(kind, host.name))
    return Host("https", host.name)


_TITLES = {"salesforce": "Salesforce", "hubspot": "HubSpot"}


def _parsed(value: Any, kind: str | None) -> Host:
    remedy = _host_remedy(kind, "")
    text = value.strip().lower() if isinstance(value, str) else ""
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        refuse("host", "is not a host name.", remedy)
    extra = parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc
    if (
        not parts.hostname
        or extra
        or parts.scheme not in ("https", "http")
        or not re.fullmatch(r"[a-z0-9.:-]+", parts.hostname)
    ):
        refuse("host", "is not a host name.", remedy)
    return Host(parts.scheme, parts.hostname, port)


def _emulated(host: Host, kind: str | None) -> Host:
    if not host.loopback:
        remedy = "Remove `emulator: true`, or write the address that `syncd emulator serve` prints."
        refuse("host_emulator", "is not on this machine, where an emulator must be.", remedy)
    return host


def _host_remedy(kind: str | None, name: str) -> str:
    if kind == "hubspot":
        return "The host of HubSpot's API is `api.hubapi.com` for every portal."
    if name in ("login.salesforce.com", "test.salesforce.com"):
        own = "`acme.my.salesforce.com`, or `acme--uat.sandbox.my.salesforce.com`"
        return f"Use your own domain (Setup, My Domain): {own}."
    if name.endswith(".lightning.force.com"):
        own = name.removesuffix(".lightning.force.com")
        return f"That is the address for browsers; for the API write `{own}.my.salesforce.com`."
    return "Write your own domain (Setup, My Domain), such as `acme.my.salesforce.com`."
