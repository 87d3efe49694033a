"""How a value is refused: with a code for tests, what is wrong and what to do, and never the value itself."""

from __future__ import annotations

from typing import NoReturn

from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError


def refuse(code: str, message: str, remedy: str) -> NoReturn:
    """Raise what pydantic collects and `validate` turns into a Problem."""
    # our messages name keys and files, never values: one of those may be a secret
    raise PydanticCustomError(code, message, {"remedy": remedy.strip()}) from None


def refuse_key(key: str, code: str, message: str, remedy: str) -> NoReturn:
    """Refuse one key of the section that is being read."""
    error = PydanticCustomError(code, message, {"remedy": remedy.strip()})
    details = InitErrorDetails(type=error, loc=(key,), input=None)
    raise ValidationError.from_exception_data("section", [details], hide_input=True) from None
