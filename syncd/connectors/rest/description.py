"""What a description of an API may say: where its records are listed, read and changed, and what they look like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

import jmespath
from jmespath.exceptions import JMESPathError
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from syncd.settings import Section
from syncd.settings.refuse import refuse
from syncd.settings.sources import ObjectName
from syncd.settings.values import Seconds, Zone

PLACE = re.compile(r"\{([A-Za-z][A-Za-z0-9_.]*)\}")
_PATH = re.compile(r"/(?!/)[^\s?#\\]*")
_NAME = re.compile(r"[A-Za-z0-9_.\[\]$-]{1,100}")
_NATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


def _expression(value: str) -> str:
    try:
        jmespath.compile(value)
    except JMESPathError:
        refuse("expression", "is no JMESPath expression.", "For example `data.items` or `company.name`.")
    return value


Expression = Annotated[str, AfterValidator(_expression)]
"""Where a value is found in an answer, in JMESPath."""


def _path(value: str) -> str:
    if not _PATH.fullmatch(value) or "/../" in f"{value}/":
        refuse("path", "is no path on the API's host.", "Write `/api/v1/deals` or `/api/v1/deals/{id}`.")
    return value


ApiPath = Annotated[str, AfterValidator(_path)]
"""A path of the API; what stands in braces is filled in, encoded for a URL."""


def _parameter(value: str) -> str:
    if not _NAME.fullmatch(value):
        refuse("parameter", "is not the name of a parameter.", "Write the name alone, such as `page`.")
    return value


Parameter = Annotated[str, AfterValidator(_parameter)]


def _native(value: Any) -> Any:
    if not isinstance(value, str) or not _NATIVE.fullmatch(value):
        refuse("native", "is not the name of a field.", "Use letters, digits and `_`, as the mapping names it.")
    return value


Native = Annotated[str, BeforeValidator(_native)]
TimeFormat = Literal["iso", "epoch", "epoch_ms"]


class Identity(Section):
    """Who answers, so that another account is never taken for this one."""

    path: ApiPath = Field(description="What tells who answers.", examples=["/api/me"])
    id: Expression = Field(description="The account's id in the answer.", examples=["account.id"])


class TokenEndpoint(Section):
    """Where `flow: client_credentials` fetches its tokens."""

    path: ApiPath = Field(description="The token endpoint.", examples=["/oauth/token"])
    scope: str = Field(default="", description="The scopes to ask for.")
    client: Literal["form", "basic"] = Field(default="form", description="How client id and secret are sent.")


class Limits(Section):
    """How many calls the API allows; the connection's `quota_share` of them is used."""

    per_minute: int | None = Field(default=None, gt=0, description="Calls in a minute.", examples=["120"])
    daily: int | None = Field(default=None, gt=0, description="Calls in a day.", examples=["50000"])


class Failure(Section):
    """How a refusal is told."""

    code: Expression = Field(default="code", description="The error's code in the answer.")
    message: Expression = Field(default="message", description="Its words, shown beside a refused record.")


class Paging(Section):
    """How one page leads to the next."""

    style: Literal["none", "page", "offset", "cursor", "link"] = Field(description="By what.", examples=["page"])
    param: Parameter = Field(default="page", description="The parameter that names the page, offset or cursor.")
    first: int = Field(default=1, ge=0, description="The number of the first page.")
    size_param: Parameter | None = Field(default=None, description="The parameter for the size of a page.")
    size: int = Field(default=100, gt=0, le=10_000, description="The size of a page.")
    next: Expression | None = Field(
        default=None, description="The next cursor or link in the answer; links may be in the Link header instead."
    )
    ends: Literal["empty", "short"] = Field(
        default="empty", description="Without a total: whether a short page is the last one, or only an empty one."
    )

    @model_validator(mode="after")
    def _cursor_is_found(self) -> Paging:
        if self.style == "cursor" and self.next is None:
            refuse("paging", "needs `next`, where the next cursor is found.", "For example `next: meta.next_cursor`.")
        return self


class Since(Section):
    """How the API is asked for changed records only."""

    param: Parameter = Field(description="The parameter for the time of change.", examples=["modified_since"])
    format: TimeFormat = Field(default="iso", description="How it is written.")


class Listing(Section):
    """How the records of one object are listed."""

    path: ApiPath = Field(description="The endpoint.", examples=["/api/v1/deals"])
    params: dict[Parameter, str | int | bool] = Field(default={}, description="What is always asked, such as an order.")
    items: Expression = Field(default="@", description="The records in the answer.")
    total: Expression | None = Field(default=None, description="How many there are, in the answer.")
    paging: Paging = Field(description="How one page leads to the next.")
    since: Since | None = Field(default=None, description="How only changed records are asked for.")
    where: dict[Native, Parameter] = Field(default={}, description="Field -> the parameter that filters by it.")


class Single(Section):
    """How one record is read."""

    path: ApiPath = Field(description="The endpoint, with `{id}`.", examples=["/api/v1/deals/{id}"])
    item: Expression = Field(default="@", description="The record in the answer.")


class Several(Section):
    """How several records are read by id."""

    path: ApiPath = Field(description="The endpoint.")
    params: dict[Parameter, str | int | bool] = Field(default={}, description="What is always asked.")
    param: Parameter = Field(description="The parameter for the ids.", examples=["ids"])
    separator: str = Field(default=",", min_length=1, max_length=3, description="What separates them.")
    most: int = Field(default=50, gt=0, le=500, description="How many ids go into one call.")
    items: Expression = Field(default="@", description="The records in the answer.")


Method = Literal["PATCH", "PUT", "POST"]


class Changing(Section):
    """How records are changed: one in a call, or with `most` several, each as `row`."""

    method: Method = Field(default="PATCH", description="The method.")
    path: ApiPath = Field(description="The endpoint, with `{id}` where it takes one record.")
    body: Any = Field(
        default="{fields}", description="The body: `{fields}` and `{id}`, or `{rows}`, are filled in as they are."
    )
    most: int = Field(default=1, gt=0, le=1_000, description="How many records go into one call.")
    row: Any = Field(default=None, description="One record in the body of a call for several.")
    results: Expression | None = Field(default=None, description="The outcome of each record in the answer.")
    id: Expression = Field(default="id", description="Whose outcome it is.")
    error: Expression = Field(default="error", description="The code of its refusal; empty where it was taken.")
    message: Expression = Field(default="message", description="The words of its refusal.")
    cleared: str | None = Field(default=None, description="What empties a field; null unless said.")

    @model_validator(mode="after")
    def _says_what(self) -> Changing:
        needed = {"rows"} if self.most > 1 else {"id"}
        known = {"rows"} if self.most > 1 else {"id", "fields"}
        in_path = _places(self.path)
        if self.most > 1 and (self.row is None or self.results is None or in_path):
            refuse(
                "batch",
                "needs `row` and `results` for several records, and a path without `{id}`.",
                "config/rest.yaml has an example.",
            )
        if self.most == 1 and not needed <= in_path | _places(self.body):
            refuse("single", "says nowhere which record is changed.", "Put `{id}` into `path` or `body`.")
        _known_places(self.body, known)
        _known_places(self.row, {"id", "fields"})
        return self


class Making(Section):
    """How a record is made to exist that a unique field names."""

    method: Method = Field(default="PUT", description="The method.")
    path: ApiPath = Field(description="The endpoint.", examples=["/api/v1/deals/by/{key_field}/{key}"])
    keys: tuple[Native, ...] = Field(min_length=1, description="The unique fields.", examples=["[external_id]"])
    body: Any = Field(default="{fields}", description="The body: `{fields}`, `{key}`, `{key_field}` are filled in.")
    id: Expression = Field(default="id", description="The record's id in the answer.")
    created: tuple[int, ...] = Field(default=(201,), description="The statuses that say that it is new.")

    @model_validator(mode="after")
    def _says_what(self) -> Making:
        if "key" not in _places(self.path) | _places(self.body):
            refuse("upsert", "says nowhere which record is meant.", "Put `{key}` into `path` or `body`.")
        _known_places(self.body, {"fields", "key", "key_field"})
        return self


class Stamp(Section):
    """When a record was changed last."""

    field: Expression = Field(description="Where it is found.", examples=["updated_at"])
    format: TimeFormat = Field(default="iso", description="How it is written.")
    zone: Zone = Field("UTC", description="The zone of times that name none.")


class RestObject(Section):
    """One kind of record."""

    listing: Listing = Field(alias="list", description="How they are listed.")
    read: Single | None = Field(default=None, description="How one is read.")
    read_many: Several | None = Field(default=None, description="How several are read by id.")
    update: Changing | None = Field(default=None, description="How they are changed; without it they are read-only.")
    upsert: Making | None = Field(default=None, description="How one is made by a unique field.")
    count: Listing | None = Field(default=None, description="What tells how many there are that are not deleted.")
    id: Expression = Field(default="id", description="Where a record's id is found.")
    stamp: Stamp | None = Field(
        default=None, description="When it was changed last; without it every pull reads everything."
    )
    deleted: Expression | None = Field(default=None, description="Where it says that it is deleted.")
    fields: dict[Native, Expression] = Field(min_length=1, description="Field of the mapping -> where it is found.")
    write: dict[Native, str] = Field(default={}, description="Field of the mapping -> its name in what is sent.")

    @field_validator("fields", "write", mode="before", json_schema_input_type=dict[str, str] | list[str])
    @classmethod
    def _same_name(cls, value: Any) -> Any:
        """A list names fields that are called the same here and there."""
        return {name: name for name in value} if isinstance(value, list | tuple) else value

    @field_validator("count")
    @classmethod
    def _counts(cls, value: Listing | None, info: ValidationInfo) -> Listing | None:
        if value is not None and value.total is None:
            refuse("count", "needs `total`, where the number is found.", "For example `total: meta.total`.")
        return value

    @model_validator(mode="after")
    def _reads_by_id(self) -> RestObject:
        if self.read is None and self.read_many is None:
            remedy = "Add `read: {path: /api/v1/deals/{id}}`."
            refuse("read", "needs `read` or `read_many`: a write is proved by reading the record by its id.", remedy)
        if self.read is not None and "id" not in _places(self.read.path):
            refuse("read", "has a `read` whose path does not say which record.", "Put `{id}` into it.")
        return self


class Description(Section):
    """An API as syncd is to use it. It holds no secret: how to sign in stands in the settings."""

    name: str = Field(min_length=1, max_length=60, description="What the system is called.", examples=["Acme PRM"])
    identity: Identity | None = Field(default=None, description="Who answers; its host's name unless said.")
    token: TokenEndpoint | None = Field(default=None, description="Where tokens are fetched.")
    limits: Limits = Field(default=Limits(), description="How many calls are allowed.")
    retry: tuple[int, ...] = Field(
        default=(408, 423, 425, 429), description="Statuses that say: not now, and nothing was done."
    )
    lag: Seconds = Field(
        default=timedelta(seconds=60), description="How long a change may be unseen after its stamp.", examples=["60s"]
    )
    failure: Failure = Field(default=Failure(), description="How a refusal is told.")
    headers: dict[Parameter, str] = Field(default={}, description="Headers of every call; never a secret.")
    objects: dict[ObjectName, RestObject] = Field(min_length=1, description="The objects that the mapping names.")

    @field_validator("headers")
    @classmethod
    def _no_secrets(cls, value: Mapping[str, str]) -> Mapping[str, str]:
        if any(name.casefold() in ("authorization", "cookie", "proxy-authorization") for name in value):
            refuse("header", "must not sign in.", "Say in the settings, under `auth`, how to sign in.")
        return value


def _places(template: Any) -> set[str]:
    """What is filled into a template, without what follows a point."""
    if isinstance(template, Mapping):
        return set().union(*(_places(value) for value in template.values()), *map(_places, template))
    if isinstance(template, list):
        return set().union(*map(_places, template))
    return {found.partition(".")[0] for found in PLACE.findall(template)} if isinstance(template, str) else set()


def _known_places(template: Any, known: set[str]) -> None:
    if unknown := _places(template) - known:
        shown = ", ".join(f"{{{name}}}" for name in sorted(unknown))
        words = ", ".join(f"{{{name}}}" for name in sorted(known))
        refuse("place", f"has {shown}, which nothing fills.", f"There are {words}.")
