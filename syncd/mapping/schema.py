"""What a mapping file may say: for each stream the native object, its fields, its stamps, its filters.

The sections of canonical fields and stamps are made from the model, so that a name which the model does not know
is a mistake with a line, and editors complete the names that it knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
)

from syncd.mapping.convert import plain
from syncd.mapping.fields import MEANING, REQUIRED, Canonical, FieldKind, canonical_fields
from syncd.mapping.specs import (
    AmountForm,
    ConstForm,
    FieldForm,
    FirstOfForm,
    Native,
    Part,
    Scalar,
    Source,
    read_spec,
    refuse,
    refuse_all,
    wrong,
)
from syncd.model import STAMP_FIELDS, Stream

_OBJECT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def _object_name(value: str) -> str:
    """The name of a native object. It ends up in queries and paths, so nothing else than a name gets through."""
    if not _OBJECT.fullmatch(value) or len(value) > 100:
        refuse(
            "object", "is not the name of an object.", "Use its API name, such as `Account`, `deals` or `p_partners`."
        )
    return value


NativeObject = Annotated[
    str, AfterValidator(_object_name), WithJsonSchema({"type": "string", "pattern": f"^{_OBJECT.pattern}$"})
]


def _values(value: Any) -> Any:
    """The values of a filter as texts; a single one may stand without brackets."""
    named = [value] if isinstance(value, str | bool | int | float) else value
    if not isinstance(named, list | tuple) or not named:
        refuse("filter", "must be a list of values.", "For example `[registrations]`.")
    if any(isinstance(item, dict | list) or item is None for item in named):
        refuse("filter", "must be a list of single values.", "For example `[Prospect, Customer]`.")
    return tuple(plain(item) for item in named)


Values = Annotated[tuple[str, ...], BeforeValidator(_values, json_schema_input_type=Scalar | list[Scalar])]
Filter = dict[Native, Values]


class FieldsPart(Part):
    """Canonical fields of one stream."""

    noun: ClassVar[str] = "field"


class StampsPart(Part):
    """Stamps of one stream, each with the native field that shows it."""

    noun: ClassVar[str] = "stamp"


class StreamPart(Part):
    """One stream: which native object it is, and what is read from it and shown on it."""

    object: NativeObject = Field(description="The native object.", examples=["Account"])
    where: Filter = Field(default={}, description="Native field -> the values that are let in.")
    exclude: Filter = Field(default={}, description="Native field -> the values that are kept out.")


class ShownPart(StreamPart):
    """A stream on whose records syncd shows something: its `stamps`, and its `owner` field if there is one."""

    stamp_where: Filter = Field(
        default={},
        description="Native field -> values: stamps are written only on these records, such as those of one region.",
        examples=["{Region__c: [EMEA]}"],
    )

    @field_validator("owner", check_fields=False)
    @classmethod
    def _owner_is_ours(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and (fact := _facts(info).get(value)):
            refuse(
                "owner_is_fact", f"is also read as the fact `{fact}`; what syncd writes is no fact.", f"Unmap `{fact}`."
            )
        return value

    @field_validator("stamps", check_fields=False)
    @classmethod
    def _stamps_are_ours(cls, value: StampsPart, info: ValidationInfo) -> StampsPart:
        refuse_all(cls.__name__, _clashes(mapped(value), _facts(info)))
        return value


class FiledPart(ShownPart):
    """Registrations: the company is a record that they name, or is carried by the registration itself."""

    @field_validator("company", check_fields=False)
    @classmethod
    def _one_company(cls, value: FieldsPart | None, info: ValidationInfo) -> FieldsPart | None:
        fields = info.data.get("fields")
        named = fields is None or getattr(fields, "company_id", None) is not None
        if value is None and not named:
            remedy = "Map `company_id` in `fields`, or add `company: {name: ...}` with the fields of the company."
            refuse("no_company", "nothing tells which company a registration is about.", remedy)
        if value is not None and fields is not None and named:
            refuse("two_companies", "the company is mapped twice.", "Keep `company_id` or the `company` section.")
        return value


def mapped(part: Part) -> dict[str, Any]:
    """What a section of fields or stamps says, by name."""
    return {name: value for name in type(part).model_fields if (value := getattr(part, name)) is not None}


def _facts(info: ValidationInfo) -> dict[str, str]:
    """Native field -> the canonical field that reads it."""
    parts = [part for name in ("company", "fields") if isinstance(part := info.data.get(name), FieldsPart)]
    return {native: name for part in parts for name, source in mapped(part).items() for native in source.natives}


def _clashes(stamps: Mapping[str, str], facts: Mapping[str, str]) -> list[tuple[str, Any]]:
    found, seen = [], dict[str, str]()
    for name, native in stamps.items():
        if native in facts:
            message = f"`{native}` is also read as the fact `{facts[native]}`; what syncd writes is no fact."
            found.append((name, wrong("stamp_is_fact", message, "Give the stamp a native field of its own.")))
        elif native in seen:
            message = f"`{native}` shows the stamp `{seen[native]}` already."
            found.append((name, wrong("stamp_twice", message, "Give each stamp a native field of its own.")))
        seen.setdefault(native, name)
    return found


def _spec_type(about: Canonical) -> Any:
    forms = str | FieldForm | FirstOfForm | ConstForm
    shown = AmountForm if about.kind is FieldKind.MONEY else forms
    return Annotated[Source, PlainValidator(partial(read_spec, about), json_schema_input_type=shown)]


def _fields_part(stream: Stream, title: str, required: frozenset[str]) -> type[FieldsPart]:
    """The section of a stream's canonical fields."""
    made: dict[str, Any] = {}
    for about in canonical_fields(stream):
        kind = _spec_type(about)
        if about.name in required:
            made[about.name] = kind, Field(description=MEANING[about.kind])
        else:
            made[about.name] = kind | None, Field(default=None, description=MEANING[about.kind])
    return create_model(title, __base__=FieldsPart, __module__=__name__, **made)


def _stamps_part(stream: Stream) -> type[StampsPart]:
    """The section of a stream's stamps; naming a stamp of another stream is explained."""
    mine = [stamp for stamp in STAMP_FIELDS if stream.value in stamp.objects]
    made: dict[str, Any] = {s.name: (Native | None, Field(default=None, description=s.meaning)) for s in mine}
    part: type[StampsPart] = create_model(
        f"{stream.value.title()}Stamps", __base__=StampsPart, __module__=__name__, **made
    )
    part.elsewhere = {
        stamp.name: f"the stamp `{stamp.name}` is not shown on {stream.value}."
        for stamp in STAMP_FIELDS
        if stamp not in mine
    }
    return part


def _stream_part(stream: Stream) -> type[StreamPart]:
    """The section of one stream. `fields` come before what is checked against them."""
    title = stream.value.title()
    made: dict[str, Any] = {}
    required = REQUIRED[stream]
    made["fields"] = _fields_part(stream, f"{title}Fields", required), Field(description="Our field -> their field.")
    if stream is Stream.REGISTRATIONS:
        company = _fields_part(Stream.ACCOUNTS, "CompanyFields", frozenset({"name"}))
        told = "The company, where the record itself carries it."
        made["company"] = company | None, Field(default=None, description=told, validate_default=True)
    shown = any(stream.value in stamp.objects for stamp in STAMP_FIELDS)
    if shown:
        stamps = _stamps_part(stream)
        made["stamps"] = stamps, Field(default=stamps(), description="Stamp -> the native field that shows it.")
    if stream in (Stream.ACCOUNTS, Stream.OPPORTUNITIES):
        made["owner"] = Native | None, Field(default=None, description="The ownership field that syncd may set.")
        told = "Native field -> values: owners are set only on these records, such as those of one team."
        made["owner_where"] = Filter, Field(default={}, description=told, examples=["{Team__c: [Enterprise]}"])
    base = FiledPart if stream is Stream.REGISTRATIONS else ShownPart if shown else StreamPart
    return create_model(f"{title}Stream", __base__=base, __module__=__name__, **made)


def _streams_part() -> type[Part]:
    made: dict[str, Any] = {
        stream.value: (_stream_part(stream) | None, Field(default=None, description=f"Where {stream.value} come from."))
        for stream in Stream
    }
    part = create_model("Streams", __base__=Part, __module__=__name__, **made)
    part.noun = "stream"
    return part


Streams = _streams_part()


class MappingFile(Part):
    """A mapping file: which of their fields is which of ours, and back."""

    streams: Streams = Field(description="The streams that the connection delivers.")  # type: ignore[valid-type]

    @field_validator("streams")
    @classmethod
    def _some(cls, value: Part) -> Part:
        if not mapped(value):
            refuse("no_streams", "names no stream.", f"Streams are {', '.join(Stream)}.")
        return value

    @property
    def parts(self) -> dict[Stream, StreamPart]:
        """The sections of the streams that are mapped."""
        return {Stream(name): part for name, part in mapped(self.streams).items()}
