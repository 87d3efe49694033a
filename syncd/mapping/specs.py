"""What a mapping file may write beside a field: a native name, a choice of several, a constant, an amount."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from syncd.mapping.convert import Unfit
from syncd.mapping.fields import Canonical, FieldKind, converter
from syncd.model import FiledStatus

_NATIVE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")


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


class Part(BaseModel):
    """A section of a mapping file: unknown keys are mistakes, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
    noun: ClassVar[str] = "key"
    elsewhere: ClassVar[Mapping[str, str]] = {}


class FieldForm(Part):
    """One native field, with a value map, a default and a separator as needed."""

    field: Native = Field(description="The native field.")
    values: dict[str, Scalar] | None = Field(default=None, description="Their value -> ours.")
    default: Scalar | None = Field(default=None, description="What is taken for a blank or an unnamed value.")
    split: str | None = Field(default=None, min_length=1, description="What separates several values.")


class FirstOfForm(Part):
    """The first of several native fields that is not blank."""

    first_of: tuple[Native, ...] = Field(min_length=1, description="Native fields in order of preference.")
    values: dict[str, Scalar] | None = Field(default=None, description="Their value -> ours.")
    default: Scalar | None = Field(default=None, description="What is taken for a blank or an unnamed value.")
    split: str | None = Field(default=None, min_length=1, description="What separates several values.")


class ConstForm(Part):
    """The same value for every record."""

    const: Scalar = Field(description="The value.")


class AmountForm(Part):
    """An amount of money."""

    amount: Native = Field(description="The native field of the number.")
    currency: Native | ConstForm | None = Field(default=None, description="The field of the currency, or a constant.")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a canonical field comes from. `values`, `default` and `const` are our values already."""

    fields: tuple[str, ...] = ()
    values: Mapping[str, Any] | None = field(default=None, hash=False)
    default: Any = None
    split: str = ";"
    const: Any = None
    currency_field: str | None = None
    currency: str | None = None

    @property
    def natives(self) -> tuple[str, ...]:
        """The native fields that are read."""
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
    if "first_of" in raw:
        return _of_field(about, FirstOfForm.model_validate(raw))
    return _of_field(about, FieldForm.model_validate(raw))


def _of_field(about: Canonical, form: FieldForm | FirstOfForm) -> Source:
    several = about.kind in (FieldKind.CODES, FieldKind.TEXTS)
    if about.kind is FieldKind.MONEY:
        refuse("spec", "is money and needs an amount.", "Write `{amount: Amount, currency: CurrencyIsoCode}`.")
    if form.split is not None and not several:
        refuse("spec", "holds one value, so `split` has no meaning.", "Remove `split`.")
    names = form.first_of if isinstance(form, FirstOfForm) else (form.field,)
    values = None
    if form.values is not None:
        values = {key.strip(): _ours(about, value, f"values.{key}") for key, value in form.values.items()}
    default = None if form.default is None else _ours(about, form.default, "default")
    return Source(names, values, default, form.split or ";")


def _of_amount(about: Canonical, form: AmountForm) -> Source:
    if about.kind is not FieldKind.MONEY:
        refuse("spec", "is not money, so `amount` has no meaning.", "Write the field's name.")
    if isinstance(form.currency, ConstForm):
        code = str(form.currency.const).strip().upper()
        if not (len(code) == 3 and code.isalpha()):
            refuse("currency", "has a currency that is no three-letter code.", "For example `{const: GBP}`.")
        return Source((form.amount,), currency=code)
    return Source((form.amount,), currency_field=form.currency)


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
