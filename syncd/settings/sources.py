"""What the settings say of a source without an API of its own: exports in a folder, or tables of a database."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema, field_validator

from syncd.settings.refuse import refuse
from syncd.settings.secrets import AnyDatabase
from syncd.settings.section import Section
from syncd.settings.values import Duration, Folder, Seconds, Zone, read_duration

_ACCOUNT = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_OBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")
_TABLE = re.compile(r"[^.\s\x00]+(\.[^.\s\x00]+)?")


def _account(value: Any) -> str:
    if not isinstance(value, str) or not _ACCOUNT.fullmatch(value):
        remedy = "Use small letters, digits, `-` and `_`, such as `acme-crm`; at most 40. It never changes afterwards."
        refuse("account", "is not a usable name for a source.", remedy)
    return value


Account = Annotated[str, BeforeValidator(_account)]
"""What the source is called for ever: its records are known by it, wherever the files or the database move."""


def _object(value: Any) -> Any:
    if not isinstance(value, str) or not _OBJECT.fullmatch(value):
        remedy = "Use the word that the mapping names as `object`, such as `Account`."
        refuse("object", "is not the name of an object.", remedy)
    return value


ObjectName = Annotated[str, BeforeValidator(_object)]


def _names(value: Any) -> Any:
    named = (value,) if isinstance(value, str) else value
    if not isinstance(named, list | tuple) or not all(isinstance(name, str) and name.strip() for name in named):
        refuse(
            "columns", "must be the name of a column, or a list of names.", "For example `[updated_at, created_at]`."
        )
    return tuple(named)


Names = Annotated[tuple[str, ...], BeforeValidator(_names, json_schema_input_type=str | list[str])]


def _ready(value: Any) -> Any:
    if value in ("done", "renamed") or isinstance(value, timedelta):
        return value
    try:
        return read_duration(value)
    except ValueError:
        remedy = "Write a time such as `30s` that a file must have been left alone, or `done`, or `renamed`."
        refuse("ready", "does not say when a file is ready.", remedy)


def _ready_text(value: Any) -> str:
    return value if isinstance(value, str) else f"{int(value.total_seconds())}s"


Ready = Annotated[
    timedelta | Literal["done", "renamed"],
    PlainValidator(_ready, json_schema_input_type=str),
    PlainSerializer(_ready_text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""When a file in the folder is whole: left alone for a time, told by a `.done` file, or at once where exports are
renamed into the folder."""


class ExportObject(Section):
    """The exports of one object."""

    files: str = Field(min_length=1, description="Which file names are its exports.", examples=["accounts*.csv"])
    sheet: str = Field(default="", description="The sheet of a workbook; the first one unless named.")
    id: str = Field(default="", description="The column of the id, where it has a name of its own.")
    stamp: str = Field(default="", description="The column that says when a record was last changed.")
    deleted: str = Field(default="", description="The column that says whether a record is deleted.")
    complete: bool = Field(
        default=False, description="Whether each export holds every record: what is absent is deleted."
    )
    columns: dict[str, str] = Field(default={}, description="Header -> native field, for headers of your own.")

    @field_validator("files")
    @classmethod
    def _inside(cls, value: str) -> str:
        if "/" in value or "\\" in value or value.startswith("."):
            refuse("files", "must be a file name without a folder; `*` stands for anything.", "Move it to `folder`.")
        return value


class FilesSource(Section):
    """Exports that are put into a folder, and import files that syncd writes."""

    account: Account = Field(description="What this source is called for ever.", examples=["acme-portal"])
    system: Literal["salesforce", "hubspot", "other"] = Field(
        default="other", description="Whose exports they are, and whose import files syncd writes."
    )
    folder: Folder = Field(description="The folder into which exports are put.", examples=["exports"])
    out: Folder | None = Field(
        default=None, description="The folder for import files; `out` below `folder` unless named.", examples=["import"]
    )
    work: Folder | None = Field(
        default=None,
        description="Where syncd keeps what it has read, on a local disk; `.syncd` below `folder` unless named.",
    )
    zone: Zone = Field("UTC", description="The zone of times that name none.", examples=["Europe/London"])
    dates: Literal["dmy", "mdy"] | None = Field(
        default=None, description="Which comes first in dates such as 11/12/2026: the day or the month."
    )
    every: Duration = Field(
        default=timedelta(hours=26), description="How often an export comes, at the latest.", examples=["26h"]
    )
    ready: Ready = Field(default=timedelta(seconds=30), description="When a file is whole.", examples=["30s"])
    objects: dict[ObjectName, ExportObject] = Field(
        min_length=1, description="The exports of each object that the mapping names."
    )


class SqlTable(Section):
    """Which table or view an object is, and which of its columns carry what syncd needs to know."""

    table: str = Field(default="", description="Its name, `schema.table` or `table`; the object's unless named.")
    id: str = Field(min_length=1, description="The column that names a record for ever.", examples=["id"])
    stamp: Names = Field(
        min_length=1, description="The column of the last change; of several the first that is not empty.",
        examples=["updated_at"],
    )  # fmt: skip
    deleted: str = Field(default="", description="The column that says whether, or when, a record was deleted.")
    write: Names = Field(default=(), description="The columns that syncd may write; none makes the table read-only.")

    @field_validator("table")
    @classmethod
    def _named(cls, value: str) -> str:
        if value and not _TABLE.fullmatch(value):
            refuse("table", "is not the name of a table.", "Write `table` or `schema.table`.")
        return value


class SqlClock(Section):
    """Where the time is found up to which the tables are loaded."""

    table: str = Field(min_length=1, description="The table, `schema.table` or `table`.", examples=["loads"])
    column: str = Field(min_length=1, description="The column; its newest time counts.", examples=["finished_at"])


class SqlSource(Section):
    """Tables of a database, such as those that another tool keeps up to date."""

    account: Account = Field(description="What this source is called for ever.", examples=["warehouse"])
    url: AnyDatabase = Field(
        description="Where the database is.", examples=["postgresql+psycopg://syncd:${env:DB_PASSWORD}@host/crm"]
    )
    zone: Zone = Field("UTC", description="The zone of times that name none.", examples=["Europe/London"])
    lag: Seconds = Field(
        default=timedelta(minutes=5), description="How long a change may be unseen after its stamp.", examples=["5m"]
    )
    clock: SqlClock | None = Field(
        default=None, description="Up to when the tables are loaded; the database's own clock unless named."
    )
    tables: dict[ObjectName, SqlTable] = Field(
        min_length=1, description="The table of each object that the mapping names."
    )
