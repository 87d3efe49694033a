"""Holds a document against a pydantic model and says everything that is wrong, in the words of who wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from syncd.errors import Problem, UserError
from syncd.settings.walk import document_path, field_at, models_at, types_at
from syncd.settings.words import Words, translate, unknown_key
from syncd.settings.yaml import Document, KeyPath, read_yaml

M = TypeVar("M", bound=BaseModel)

_REFERENCE = re.compile(r"\$\{(env|file):")


def validate(
    document: Document, model: type[M], context: Mapping[str, Any] | None = None
) -> tuple[M | None, tuple[Problem, ...]]:
    """The document as an instance of `model`, or None, and every problem found; there is an instance only without.

    A model says more than pydantic does by raising `PydanticCustomError(code, message, {"remedy": ...})`. Its
    class may carry `noun` (how its keys are called, default `key`) and `elsewhere` (key -> why it is not for here).
    """
    problems = [*document.problems, *_misplaced_secrets(document, model)]
    said = {problem.key for problem in problems}  # one message for a key is enough
    made: M | None = None
    try:
        made = model.model_validate(document.data, context=dict(context or {}))
    except ValidationError as errors:
        problems.extend(problem for problem in _problems(errors, document, model) if problem.key not in said)
    found = in_order(problems)
    return (None if found else made), found


def load(path: str | Path, model: type[M], context: Mapping[str, Any] | None = None) -> M:
    """Read a file, with its includes, into `model`. Raises UserError with every problem."""
    made, problems = validate(read_yaml(path), model, context)
    if made is None:
        raise UserError(problems=problems)
    return made


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """Each problem once, by file and line."""
    return tuple(sorted(dict.fromkeys(problems), key=lambda p: (p.file, p.line or 0)))


def _problems(errors: ValidationError, document: Document, model: type[BaseModel]) -> Iterator[Problem]:
    """One problem for each key: the alternatives of a union all complain about the same one."""
    grouped: dict[KeyPath, list[ErrorDetails]] = {}
    for error in errors.errors(include_url=False):
        path = document_path(error["loc"], document.data, partial(_is_key, error["type"], document, model))
        grouped.setdefault(path, []).append(error)
    said = {path: _said(same, path, document, model) for path, same in grouped.items()}
    misspelt = {(*path[:-1], words.guess) for path, several in said.items() for words in several if words.guess}
    for path, several in said.items():
        if path not in misspelt or grouped[path][0]["type"] != "missing":  # a misspelt key is one mistake, not two
            yield from (document.problem(path, words.message, words.remedy) for words in several)


def _is_key(kind: str, document: Document, model: type[BaseModel], path: KeyPath) -> bool:
    """Whether the last step of a path that is not in the document is a key at all, and not a mark of pydantic's."""
    return kind == "missing" or field_at(model, path, document.data) is not None


def _said(same: list[ErrorDetails], path: KeyPath, document: Document, model: type[BaseModel]) -> list[Words]:
    field = field_at(model, path, document.data)
    value = document.value(path)
    if any(error["type"] == "extra_forbidden" for error in same):
        return [unknown_key(str(path[-1]), models_at(model, path[:-1], document.data))]
    said = [translate(error, value, str(path[-1]) if path else "", field) for error in same]
    ours = [words for words, error in zip(said, same, strict=True) if "remedy" in (error.get("ctx") or {})]
    if ours or len(said) == 1:
        return ours or said
    joined = " or ".join(dict.fromkeys(words.message.rstrip(".").removeprefix("must be ") for words in said))
    return [Words(f"must be {joined}.", next((words.remedy for words in said if words.remedy), ""))]


def _misplaced_secrets(document: Document, model: type[BaseModel]) -> Iterator[Problem]:
    """References to secrets where none is read: they would be taken literally."""
    for path in _texts_with_reference(document.data, ()):
        options = types_at(model, path, document.data)
        if options and not any(getattr(option, "takes_references", False) for option in options):
            yield document.problem(
                path,
                "a secret reference (`${env:...}` or `${file:...}`) is not accepted here.",
                "Only secrets are read from the environment or a file; write the value itself.",
            )


def _texts_with_reference(value: Any, path: KeyPath) -> Iterator[KeyPath]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts_with_reference(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _texts_with_reference(inner, (*path, number))
    elif isinstance(value, str) and _REFERENCE.search(value):
        yield path
