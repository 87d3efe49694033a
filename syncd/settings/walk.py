"""Finds, in a pydantic model, what may stand at a key path: its known keys, its field, its types."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from syncd.settings.yaml import KeyPath


def types_at(model: type[BaseModel], path: KeyPath, data: Any) -> list[Any]:
    """Every type that the value at `path` may have; `data` helps to choose between alternatives."""
    options, here = _branches(model, data), data
    for step in path:
        here = _step(here, step)
        options = [
            branch for option in options for child in _children(option, step) for branch in _branches(child, here)
        ]
    return options


def models_at(model: type[BaseModel], path: KeyPath, data: Any) -> list[type[BaseModel]]:
    """The sections that the value at `path` may be."""
    return [option for option in types_at(model, path, data) if _is_model(option)]


def field_at(model: type[BaseModel], path: KeyPath, data: Any) -> FieldInfo | None:
    """The declaration of the key at `path`, where a section declares it."""
    if not path or isinstance(path[-1], int):
        return None
    for section in models_at(model, path[:-1], data):
        if found := known_keys(section).get(path[-1]):
            return found
    return None


def known_keys(section: type[BaseModel]) -> dict[str, FieldInfo]:
    """The keys of a section as they are written in YAML."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def document_path(loc: tuple[int | str, ...], data: Any, is_key: Callable[[KeyPath], bool]) -> KeyPath:
    """pydantic's location without what is no key of the document: union tags and marks such as `[key]`.

    `is_key` is asked about a last step that is not in the document: whether it is a key that is missing there.
    """
    path: KeyPath = ()
    here = data
    for number, step in enumerate(loc):
        in_section = isinstance(here, Mapping) and step in here
        if in_section or (isinstance(here, list) and isinstance(step, int)):
            path = (*path, step)
            here = _step(here, step)
        elif number == len(loc) - 1 and is_key((*path, step)):
            path = (*path, step)
    return path


def _step(here: Any, step: str | int) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError):
        return None


def _is_model(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, BaseModel)


def _branches(kind: Any, value: Any) -> list[Any]:
    """The alternatives behind unions and annotations, narrowed to the sections that fit the value best."""
    found = list(_flat(kind))
    sections = [option for option in found if _is_model(option)]
    if len(sections) < 2 or not isinstance(value, Mapping):
        return found
    scores = [_fit(section, value) for section in sections]
    best = [section for section, score in zip(sections, scores, strict=True) if score == max(scores)]
    return [option for option in found if not _is_model(option) or option in best]


def _flat(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        yield from _flat(next((m.json_schema_input_type for m in marks if _says_input(m)), inner))
    elif get_origin(kind) in (Union, types.UnionType):
        for branch in get_args(kind):
            yield from _flat(branch)
    else:
        yield kind


def _says_input(mark: Any) -> bool:
    """Whether a validator's annotation tells which types it reads."""
    return getattr(mark, "json_schema_input_type", Any) not in (Any, PydanticUndefined)


def _fit(section: type[BaseModel], value: Mapping[str, Any]) -> tuple[int, int]:
    keys = known_keys(section)
    wrong = sum(
        get_origin(field.annotation) is Literal and value[name] not in get_args(field.annotation)
        for name, field in keys.items()
        if name in value
    )
    return -wrong, len(keys.keys() & value.keys())


def _children(option: Any, step: str | int) -> list[Any]:
    if _is_model(option):
        field = known_keys(option).get(str(step))
        return [] if field is None else [_declared(field)]
    origin, args = get_origin(option), get_args(option)
    if isinstance(origin, type) and args:
        if issubclass(origin, Mapping):
            return [args[1]]
        if origin in (list, tuple, set, frozenset):
            return [args[0]]
    return []


def _declared(field: FieldInfo) -> Any:
    return Annotated[(field.annotation, *field.metadata)] if field.metadata else field.annotation
