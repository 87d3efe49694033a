"""What a mapping file may write beside a field: a native name, a choice of several, a constant, an amount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Literal, NoReturn
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from syncd.mapping.convert import Unfit
from syncd.mapping.fields import Canonical, FieldKind, converter
from syncd.model import FiledStatus

_NATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_PLACE = re.compile(r"\{\s*([^{}]*?)\s*\}")


def native_name(value: str) -> str:
    """A native field name. It ends up in queries, so nothing else than a name gets through."""
    name = value.strip()
    if not _NATIVE.fullmatch(name) or len(name) > 200:
        remedy = "Use its API or internal name: letters, digits and `_`, such as `Billing_City__c`."
        refuse("native", "is not the name of a field.", remedy)
    return name


Native = Annotated[
    str, AfterValidator(native_name), WithJsonSchema({"type": "string", "pattern": f"^{_NATIVE.pattern}$"})
]

Scalar = str | bool | int | float


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        refuse("zone", "is no time zone.", "Write one like `Europe/London`.")
    return value


def _date_format(value: str) -> str:
    """A way of writing dates that can be read back."""
    try:
        read = datetime.strptime(_SAMPLE.strftime(value), value)  # noqa: DTZ007 (the zone is another key's)
    except (ValueError, re.error):
        read = None
    if read is None or read.date() != _SAMPLE.date():
        refuse("date_format", "does not tell day, month and year.", "For example `%d.%m.%Y` or `%m/%d/%Y %I:%M %p`.")
    return value


_SAMPLE = datetime(2026, 11, 23, 14, 5, 9, tzinfo=UTC)

ZoneName = Annotated[str, AfterValidator(_zone)]
DateFormat = Annotated[str, AfterValidator(_date_format)]


class Part(BaseModel):
    """A section of a mapping file: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
    noun: ClassVar[str] = "key"
    elsewhere: ClassVar[Mapping[str, str]] = {}


class Reading(Part):
    """How a native value is read: by a value map, a default, a separator, a way of writing dates and numbers."""

    values: dict[str, Scalar] | None = Field(default=None, description="Their value -> ours.")
    default: Scalar | None = Field(default=None, description="What is taken for a blank or an unnamed value.")
    split: str | None = Field(default=None, min_length=1, description="What separates several values.")
    zone: ZoneName | None = Field(default=None, description="The zone of times that name none.")
    format: DateFormat | None = Field(
        default=None, description="How dates are written, in the signs of strptime.", examples=["%d.%m.%Y"]
    )
    decimal: Literal["point", "comma"] = Field(default="point", description="What stands before the decimals.")


class FieldForm(Reading):
    """One native field."""

    field: Native = Field(description="The native field.")


class FirstOfForm(Reading):
    """The first of several native fields that is not blank."""

    first_of: tuple[Native, ...] = Field(min_length=1, description="Native fields in order of preference.")


class TemplateForm(Part):
    """A text made of native fields and what stands between them: plain substitution, nothing more."""

    template: str = Field(min_length=1, max_length=500, description="Text with `{Field}` where a field's value goes.")


class ConstForm(Part):
    """The same value for every record."""

    const: Scalar = Field(description="The value.")


class AmountForm(Part):
    """An amount of money."""

    amount: Native = Field(description="The native field of the number.")
    currency: Native | ConstForm | None = Field(default=None, description="The field of the currency, or a constant.")
    decimal: Literal["point", "comma"] = Field(default="point", description="What stands before the decimals.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a canonical field comes from. `values`, `default` and `const` are our values already.

    `template` alternates texts and native fields, a text first.
    """

    fields: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = field(default=None, hash=False)
    default: Any = None
    split: str = ";"
    const: Any = None
    currency_field: str | None = None
    currency: str | None = None
    template: tuple[str, ...] = ()
    zone: str | None = None
    format: str | None = None
    decimal_comma: bool = False

    @property
    def natives(self) -> tuple[str, ...]:
        """The native fields that are read."""
        if self.template:
            return tuple(dict.fromkeys(self.template[1::2]))
        return self.fields if self.currency_field is None else (*self.fields, self.currency_field)


def refuse(code: str, message: str, remedy: str) -> NoReturn:
    """Refuse a value with what is wrong and what to do."""
    raise wrong(code, message, remedy)


def wrong(code: str, message: str, remedy: str) -> PydanticCustomError:
    """A mistake as pydantic carries it."""
    return PydanticCustomError(code, message, {"remedy": remedy.strip()})


def refuse_all(title: str, mistakes: list[tuple[str, PydanticCustomError]]) -> None:
    """Refuse several keys of a section together, if there are any."""
    if mistakes:
        details = [InitErrorDetails(type=error, loc=(key,), input=None) for key, error in mistakes]
        raise ValidationError.from_exception_data(title, details, hide_input=True)


def read_spec(about: Canonical, raw: Any) -> Source:
    """What a mapping file says about one canonical field. Raises what pydantic collects."""
    if isinstance(raw, Source):
        return raw
    if isinstance(raw, str):
        return _of_field(about, FieldForm(field=native_name(raw)))
    if not isinstance(raw, dict):
        example = f"{about.name}: Name" if about.kind is not FieldKind.MONEY else "value: {amount: Amount}"
        refuse("spec", "must be a field name or a section.", f"For example `{example}`.")
    if "const" in raw:
        return Source(const=_ours(about, ConstForm.model_validate(raw).const, "const"))
    if "amount" in raw:
        return _of_amount(about, AmountForm.model_validate(raw))
    if "template" in raw:
        return _of_template(about, TemplateForm.model_validate(raw))
    if "first_of" in raw:
        return _of_field(about, FirstOfForm.model_validate(raw))
    return _of_field(about, FieldForm.model_validate(raw))


def _of_field(about: Canonical, form: FieldForm | FirstOfForm) -> Source:
    several = about.kind in (FieldKind.CODES, FieldKind.TEXTS)
    if about.kind is FieldKind.MONEY:
        refuse("spec", "is money and needs an amount.", "Write `{amount: Amount, currency: CurrencyIsoCode}`.")
    if form.split is not None and not several:
        refuse("spec", "holds one value, so `split` has no meaning.", "Remove `split`.")
    _fitting(about, form)
    names = form.first_of if isinstance(form, FirstOfForm) else (form.field,)
    values = None
    if form.values is not None:
        values = {key.strip(): _ours(about, value, f"values.{key}") for key, value in form.values.items()}
    default = None if form.default is None else _ours(about, form.default, "default")
    return Source(
        names, values, default, form.split or ";",
        zone=form.zone, format=form.format, decimal_comma=form.decimal == "comma",
    )  # fmt: skip


def _fitting(about: Canonical, form: Reading) -> None:
    """Refuse what says nothing about a field of this kind."""
    dated = about.kind in (FieldKind.DAY, FieldKind.INSTANT)
    if form.format is not None and not dated:
        refuse("spec", "is no date, so `format` has no meaning.", "Remove `format`.")
    if form.zone is not None and about.kind is not FieldKind.INSTANT:
        refuse("spec", "has no time of day, so `zone` has no meaning.", "Remove `zone`.")
    if form.decimal == "comma" and about.kind not in (FieldKind.NUMBER, FieldKind.FACTOR):
        refuse("spec", "is no number, so `decimal` has no meaning.", "Remove `decimal`.")
    if form.values is not None and (form.format or form.zone or form.decimal == "comma"):
        refuse("spec", "has a value map, which reads the value alone.", "Keep `values`, or the way of writing.")


def _of_template(about: Canonical, form: TemplateForm) -> Source:
    if about.kind is not FieldKind.TEXT:
        refuse("spec", "is no text, so `template` has no meaning.", "Write the field's name.")
    pieces = _PLACE.split(form.template)
    if len(pieces) == 1:
        refuse("template", "`template` names no field.", "Write fields in braces: `{FirstName} {LastName}`.")
    if any(sign in text for text in pieces[::2] for sign in "{}"):
        remedy = "Braces hold the name of one field and nothing else, such as `{BillingCity}`."
        refuse("template", "`template` has a brace that holds no field.", remedy)
    named = [native_name(piece) if n % 2 else piece for n, piece in enumerate(pieces)]
    return Source(template=tuple(named))


def _of_amount(about: Canonical, form: AmountForm) -> Source:
    if about.kind is not FieldKind.MONEY:
        refuse("spec", "is not money, so `amount` has no meaning.", "Write the field's name.")
    if isinstance(form.currency, ConstForm):
        code = str(form.currency.const).strip().upper()
        if not (len(code) == 3 and code.isalpha()):
            refuse("currency", "has a currency that is no three-letter code.", "For example `{const: GBP}`.")
        return Source((form.amount,), currency=code, decimal_comma=form.decimal == "comma")
    return Source((form.amount,), currency_field=form.currency, decimal_comma=form.decimal == "comma")


def _ours(about: Canonical, value: Scalar, where: str) -> Any:
    """A value of the file as the field will hold it; a set's value map names single codes."""
    if about.kind is FieldKind.MONEY:
        refuse("spec", "is money and cannot be a constant.", "Write `{amount: ..., currency: ...}`.")
    try:
        ours = converter(about.name, about.kind)(value)
    except Unfit as error:
        refuse("spec_value", f"`{where}` {error.message}.", _holds(about))
    if ours is None:
        refuse("spec_value", f"`{where}` is blank.", _holds(about))
    return ours


def _holds(about: Canonical) -> str:
    if about.kind is FieldKind.STATUS:
        return f"A status is one of: {', '.join(FiledStatus)}."
    return f"This field holds: {about.kind}."
