"""Values that must not be seen: a secret is named in the YAML by a reference and revealed only on purpose.

`${env:NAME}` reads an environment variable, `${file:/path}` a file such as a mounted Kubernetes secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import quote

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from syncd.settings.refuse import refuse

_REFERENCE = re.compile(r"\$\{(env|file):([^{}]+)\}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_BYTES = 65_536
_KEY_FILE = "-----BEGIN"  # a private key in PEM is the one secret that has lines


class Surroundings(NamedTuple):
    """Where a settings file is read: the environment, the folder that paths start from, and the file itself."""

    env: Mapping[str, str] = os.environ
    folder: Path = Path()
    file: Path | None = None


class Secret:
    """A secret value behind its reference. Only `reveal()` gives the value; nothing prints, pickles or dumps it.

    An unpickled secret reads its value anew.
    """

    __slots__ = ("_reference", "_value")
    takes_references: ClassVar[bool] = True

    def __init__(self, reference: str, value: str | None = None) -> None:
        self._reference = reference
        self._value = value

    @property
    def reference(self) -> str:
        """What the YAML says; it may be shown."""
        return self._reference

    def reveal(self) -> str:
        """The value. Raises ValueError when the reference leads nowhere."""
        if self._value is None:
            self._value = resolve(self._reference, Surroundings())
        return self._value

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._reference})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._reference == other._reference

    def __hash__(self) -> int:
        return hash(self._reference)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._reference,)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Secret:
        if isinstance(value, Secret):
            return value
        return cls(_reference_only(value, info.field_name or "secret"), resolve(str(value), surroundings(info)))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._read, serialization=_as_reference())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^\$\{(env|file):[^{}]+\}$"}


class Identifier(Secret):
    """Something half secret, such as a client id: written in plain, or as a reference whose value is not shown."""

    __slots__ = ()

    def reveal(self) -> str:
        """The value."""
        return super().reveal() if "${" in self._reference else self._reference

    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Secret:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str) or not value.strip():
            refuse("string_type", "must be text.", "Write the id, or `${env:NAME}`.")
        return super()._read(value, info) if "${" in value else cls(value.strip())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string"}


class Database:
    """Where the state lives: a SQLite file or a PostgreSQL database, whose password may only be referenced."""

    __slots__ = ("_password", "url")
    takes_references: ClassVar[bool] = True

    def __init__(self, url: str, password: Secret | None = None) -> None:
        self.url = url
        self._password = password

    @property
    def kind(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.url.partition(":")[0].partition("+")[0]

    @property
    def path(self) -> Path | None:
        """The file of a SQLite database, absolute."""
        return Path(self.url.removeprefix("sqlite:///")) if self.kind == "sqlite" else None

    def reveal(self) -> str:
        """The URL for SQLAlchemy, with the password in it."""
        if self._password is None:
            return self.url
        return self.url.replace(self._password.reference, quote(self._password.reveal(), safe=""))

    def __repr__(self) -> str:
        return f"Database({self.url})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Database) and self.url == other.url

    def __hash__(self) -> int:
        return hash(self.url)

    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Database:
        if isinstance(value, Database):
            return value
        remedy = "For example `sqlite:///syncd.db`, or `postgresql+psycopg://syncd:${env:DB_PASSWORD}@host/syncd`."
        if not isinstance(value, str) or not value.strip():
            refuse("database", "must be the URL of a database.", remedy)
        around = surroundings(info)
        text = value.strip()
        if text.startswith("sqlite:"):
            return cls(_sqlite(text, around.folder))
        if text.startswith("postgresql+psycopg://"):
            return _postgresql(text, around)
        refuse("database", "is not a database that syncd can use.", remedy)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(cls._read, serialization=_as_text())

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": r"^(sqlite:///|postgresql\+psycopg://).+"}


class AnyDatabase(Database):
    """A database of any maker that SQLAlchemy has a dialect for; its password may only be referenced."""

    __slots__ = ()

    @classmethod
    def _read(cls, value: Any, info: ValidationInfo) -> Database:
        if isinstance(value, Database):
            return value
        if not isinstance(value, str) or not _ANY_URL.match(value.strip()):
            refuse("database", "must be the URL of a database.", _ANY_REMEDY)
        around, text = surroundings(info), value.strip()
        if text.startswith("sqlite:"):
            return cls(_sqlite(text, around.folder))
        return cls(*_with_password(text, around, _ANY_REMEDY))

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "pattern": _ANY_URL.pattern + ".+"}


_ANY_URL = re.compile(r"^[a-z][a-z0-9_]*(\+[a-z0-9_]+)?://")
_ANY_REMEDY = "For example `postgresql+psycopg://reader:${env:DB_PASSWORD}@host/name`."


def surroundings(info: ValidationInfo) -> Surroundings:
    """What a validation is told about the settings file that it reads."""
    return Surroundings(**(info.context or {}))


def resolve(reference: str, around: Surroundings) -> str:
    """The value that a reference names. Raises a ValueError that never contains a value."""
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        remedy = "Write `${env:NAME}` or `${file:/path}`."
        refuse("secret_reference", "is not a secret reference that syncd knows.", remedy)
    source, name = match.groups()
    return _from_env(name.strip(), around.env) if source == "env" else _from_file(name.strip(), around)


def _from_env(name: str, env: Mapping[str, str]) -> str:
    if not _ENV_NAME.fullmatch(name):
        remedy = "Use letters, digits and `_`, as in `${env:CRM_SECRET}`."
        refuse("secret_env", "names no environment variable.", remedy)
    if name not in env:
        remedy = f"Set it before starting syncd: `export {name}=...`."
        refuse("secret_unset", f"the environment variable {name} is not set.", remedy)
    if not (value := env[name].strip()):
        remedy = f"Give {name} the secret as its value."
        refuse("secret_empty", f"the environment variable {name} is empty.", remedy)
    return value


def _from_file(name: str, around: Surroundings) -> str:
    only = "Name the file that holds the secret and nothing else."
    try:
        is_ours = around.file is not None and os.path.samefile(around.folder / name, around.file)
        with (around.folder / name).open("rb") as file:
            value = file.read(_MAX_BYTES + 1).decode().strip()
    except FileNotFoundError:
        remedy = "Create it with the secret as its only content, or correct the path."
        refuse("secret_file", f"there is no secret file {name}.", remedy)
    except (OSError, ValueError):
        remedy = "Check its access rights, and that it is a text file."
        refuse("secret_file", f"the secret file {name} cannot be read.", remedy)
    if is_ours:
        refuse("secret_file", f"the secret file {name} is this settings file itself.", only)
    if len(value) > _MAX_BYTES:
        refuse("secret_file", f"the file {name} is too large for a secret.", only)
    if len(value.splitlines()) > 1 and not value.startswith(_KEY_FILE):
        refuse("secret_file", f"the file {name} has several lines, and a secret has one.", only)
    if not value:
        refuse("secret_empty", f"the secret file {name} is empty.", "Put the secret into it.")
    return value


def _reference_only(value: Any, key: str) -> str:
    """The reference, refusing a secret that stands in the file itself; the value is never repeated."""
    variable = f"SYNCD_{key.upper()}"
    remedy = f"Put it into the environment and write `{key}: ${{env:{variable}}}`, or use `${{file:/path}}`."
    if isinstance(value, str) and _REFERENCE.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, str) and value.strip().startswith("$"):
        refuse("secret_reference", "is not a secret reference that syncd knows.", remedy)
    if value is None or value == "":
        refuse("secret_empty", "has no value.", f"Write `{key}: ${{env:{variable}}}`.")
    if isinstance(value, dict | list):
        refuse("secret_type", "must be one secret reference.", remedy)
    message = "a secret stands here in plain; anybody who reads this file has it."
    refuse("secret_in_plain", message, f"{remedy} Then change the secret.")


def _sqlite(text: str, folder: Path) -> str:
    """The URL with an absolute path; a relative one starts at the settings file."""
    name = text.removeprefix("sqlite:///")
    if name == text or not name or name.startswith(":memory:") or "?" in name:
        remedy = "Write `sqlite:///syncd.db` (beside this file) or `sqlite:////var/lib/syncd/syncd.db`."
        refuse("database", "must name a file for SQLite.", remedy)
    if "${" in name:
        remedy = "Write the path itself."
        refuse("database", "a SQLite database has no secret to refer to.", remedy)
    path = Path(os.path.abspath(folder / name))
    if not path.parent.is_dir():
        remedy = "Create the folder first, or correct the path."
        refuse("database", "the folder of the database file does not exist.", remedy)
    return f"sqlite:///{path}"


_SERVER = re.compile(
    r"[a-z0-9_+]+://(?:(?P<user>[^:@/?#]+)(?::(?P<password>\$\{(?:env|file):[^{}]+\}|[^@/]*))?@)?(?P<rest>[^@]+)"
)


def _postgresql(text: str, around: Surroundings) -> Database:
    return Database(
        *_with_password(text, around, "Write `postgresql+psycopg://user:${env:DB_PASSWORD}@host:5432/name`.")
    )


def _with_password(text: str, around: Surroundings, remedy: str) -> tuple[str, Secret | None]:
    """The URL of a database server, and the password that its reference names."""
    match = _SERVER.fullmatch(text)
    if match is None or "${" in f"{match['user']}{match['rest']}" or "/" not in match["rest"]:
        message = "is not the URL of a database; a reference can only stand for its password."
        refuse("database", message, remedy)
    password = match["password"]
    if _PASSWORD_KEY.search(match["rest"]) or (password and not _REFERENCE.fullmatch(password)):
        message = "the password of the database stands here in plain."
        refuse("secret_in_plain", message, f"{remedy} Then change the password.")
    return (text, Secret(password, resolve(password, around))) if password else (text, None)


_PASSWORD_KEY = re.compile(r"[?&](password|passwd|pwd)=", re.IGNORECASE)


def _as_reference() -> core_schema.SerSchema:
    return core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference)


def _as_text() -> core_schema.SerSchema:
    return core_schema.plain_serializer_function_ser_schema(lambda database: database.url)
