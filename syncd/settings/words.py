"""Says what pydantic found in the words of the person who wrote the file, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from syncd.settings.walk import known_keys


class Words(NamedTuple):
    """What is wrong, and what to do; for an unknown key, which one was probably meant."""

    message: str
    remedy: str = ""
    guess: str = ""


def translate(error: ErrorDetails, value: Any, key: str, field: FieldInfo | None) -> Words:
    """One pydantic error as message and remedy. Values are not repeated, because one of them may be a secret."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "missing":
        return Words(f"`{key}` is missing.", _example("Add", key, field) or f"Add `{key}: ...`.")
    if "remedy" in context:
        return Words(error["msg"], str(context["remedy"]))
    if kind in ("value_error", "assertion_error"):
        said = str(context.get("error", error["msg"])).rstrip(".")
        return Words(said if said.endswith(("?", "!")) else f"{said}.", _example("For example", key, field))
    if kind in ("literal_error", "enum"):
        return _choice(value, _choices(str(context.get("expected", ""))))
    if value is None:
        return Words("has no value.", _example("For example", key, field) or "Give it one, or remove the line.")
    said = _said(kind, context, error["msg"])
    return Words(said, _example("For example", key, field) or _hint(kind, value))


def unknown_key(key: str, sections: Sequence[type[BaseModel]]) -> Words:
    """What is said of a key that no section knows."""
    noun = next((getattr(section, "noun", "key") for section in sections), "key")
    known = list(dict.fromkeys(name for section in sections for name in known_keys(section)))
    for section in sections:
        if reason := getattr(section, "elsewhere", {}).get(key):
            return Words(reason, f"Remove it, or use one of: {', '.join(known)}.")
    hint = did_you_mean(key, known) or f"Known here: {', '.join(known)}."
    return Words(f"unknown {noun} `{short(key)}`.", hint, _nearest(key, known))


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean ...?` when a known word is close, else nothing."""
    near = _nearest(word, known)
    return f"Did you mean `{near}`?" if near else ""


def _nearest(word: str, known: Iterable[str]) -> str:
    return "".join(get_close_matches(word.lower(), list(known), n=1, cutoff=0.6))


def short(text: str) -> str:
    """A word as it may be shown: cut, without control characters."""
    clean = "".join(char for char in text if char.isprintable())
    return clean if len(clean) <= 40 else clean[:39] + "…"


_TYPES: Mapping[str, str] = {
    "string": "must be text.",
    "int": "must be a whole number.",
    "float": "must be a number.",
    "decimal": "must be a number.",
    "finite": "must be a number.",
    "bool": "must be true or false.",
    "date": "must be a date such as 2026-11-23.",
    "datetime": "must be a date and time such as 2026-11-23T09:00:00Z.",
    "time": "must be a time.",
    "dict": "must be a section with keys of its own.",
    "model": "must be a section with keys of its own.",
    "mapping": "must be a section with keys of its own.",
    "list": "must be a list.",
    "tuple": "must be a list.",
    "set": "must be a list.",
    "frozen": "must be a list.",
}


def _said(kind: str, context: Mapping[str, Any], message: str) -> str:
    bounds = {
        "greater_than": ("more than", "gt"),
        "greater_than_equal": ("at least", "ge"),
        "less_than": ("less than", "lt"),
        "less_than_equal": ("at most", "le"),
    }
    if kind in bounds:
        word, name = bounds[kind]
        return f"must be {word} {context.get(name)}."
    if kind in ("too_short", "string_too_short"):
        return "must not be empty."
    if kind in ("too_long", "string_too_long"):
        return f"is too long; at most {context.get('max_length')}."
    if kind == "string_pattern_mismatch":
        return "is not written in the form expected here."
    return _TYPES.get(kind.split("_")[0]) or _plain(message)


def _plain(message: str) -> str:
    return re.sub(r"^(Input|Value) should( be)?", "must be", message).rstrip(".") + "."


def _hint(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, bool | int | float):
        return f'Put it in quotes: "{str(value).lower() if isinstance(value, bool) else value}".'
    if kind.startswith(("list", "tuple", "set", "frozen")):
        return "Write it in brackets: `[one, two]`."
    if kind.startswith(("dict", "model", "mapping")):
        return "Write its keys on the lines below, indented by two spaces."
    if isinstance(value, dict | list):
        return "Write a single value."
    if kind.startswith(("int", "float", "decimal")):
        return "Write the digits alone, without quotes."
    return "Correct the value."


def _choices(expected: str) -> list[str]:
    return re.findall(r"'([^']*)'", expected) or [
        word.strip() for word in re.split(r",| or ", expected) if word.strip()
    ]


def _choice(value: Any, choices: list[str]) -> Words:
    listed = ", ".join(choices)
    if value is None or isinstance(value, dict | list):
        return Words(f"must be one of: {listed}.", f"Write one of them, for example `{choices[0]}`.")
    word = str(value)
    # a long or odd value is not repeated: somebody may have put a secret into the wrong line
    shown = f"`{word}`" if re.fullmatch(r"[A-Za-z0-9_. -]{1,20}", word) else "this value"
    known = f"It can be {choices[0]}." if len(choices) == 1 else f"It can be one of: {listed}."
    return Words(f"{shown} is not known here.", f"{did_you_mean(word, choices)} {known}".strip())


def _example(lead: str, key: str, field: FieldInfo | None) -> str:
    """An example of the key, from its declaration or its default."""
    if field is None:
        return ""
    default = field.default.value if isinstance(field.default, Enum) else field.default
    plain = isinstance(default, str | int | float) and default != ""
    example = field.examples[0] if field.examples else default if plain else None
    if example is None:
        return ""
    return f"{lead} `{key}: {str(example).lower() if isinstance(example, bool) else example}`."
