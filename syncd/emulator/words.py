"""Python methods as JSON sees them: what arguments they take, the values behind JSON, and JSON of what they return."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson

Method = Callable[..., Any]
_NAMES = {str: "text", int: "whole number", float: "number", bool: "true or false", datetime: "ISO time with zone",
          date: "ISO date", timedelta: "seconds", bytes: "text", type(None): "null", Any: "anything"}  # fmt: skip


def public_methods(view: object) -> dict[str, Method]:
    """The methods of an object that are not private, in the order in which they are written."""
    names = [name for kind in reversed(type(view).__mro__) for name in vars(kind) if not name.startswith("_")]
    found = {name: getattr(view, name) for name in dict.fromkeys(names)}
    return {name: method for name, method in found.items() if callable(method)}


def described(method: Method) -> dict[str, Any]:
    """What a method does and takes, in words."""
    hints = _hints(method)
    taken = {
        name: _word(hints.get(name, Any)) + ("" if one.default is one.empty else f" = {_shown(one.default)}")
        for name, one in inspect.signature(method).parameters.items()
    }
    return {"what": " ".join((inspect.getdoc(method) or "").split()), "arguments": taken}


def arguments(method: Method, given: Mapping[str, Any]) -> dict[str, Any]:
    """Keyword arguments from a JSON object; raises ValueError that names what is wrong."""
    signature, hints = inspect.signature(method), _hints(method)
    unknown = sorted(set(given) - set(signature.parameters))
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; it takes: {', '.join(signature.parameters) or 'nothing'}")
    missing = [name for name, one in signature.parameters.items() if one.default is one.empty and name not in given]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}")
    return {name: _value(name, value, hints.get(name, Any)) for name, value in given.items()}


def readable(value: Any) -> Any:
    """What JSON shows for a value that it has no form for."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


def _hints(method: Method) -> dict[str, Any]:
    return get_type_hints(method)


def _value(name: str, value: Any, hint: Any) -> Any:
    wanted = _alternatives(hint)
    if value is None and type(None) in wanted:
        return None
    for kind in wanted:
        if kind in (datetime, date, timedelta) and isinstance(value, (str, int, float)):
            return _moment(name, value, kind)
    simple = tuple(kind for kind in wanted if kind in (str, int, float, bool))
    if simple and len(simple) == len([kind for kind in wanted if kind is not type(None)]):
        _check_simple(name, value, simple)
    return value


def _moment(name: str, value: str | float, kind: Any) -> Any:
    try:
        if kind is timedelta:
            return timedelta(seconds=float(value))
        parsed = kind.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name}: {_NAMES[kind]} is needed, not {value!r}") from None
    if kind is datetime and parsed.tzinfo is None:
        raise ValueError(f"{name}: a time zone is needed, such as {value}Z")
    return parsed


def _check_simple(name: str, value: Any, kinds: tuple[type, ...]) -> None:
    fits = any(type(value) is kind or (kind is float and type(value) is int) for kind in kinds)
    if not fits:
        raise ValueError(f"{name}: {' or '.join(_NAMES[kind] for kind in kinds)} is needed, not {value!r}")


def _alternatives(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _word(hint: Any) -> str:
    if hint in _NAMES:
        return _NAMES[hint]
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_word(one) for one in get_args(hint))
    if origin is Literal:
        return " | ".join(str(one) for one in get_args(hint))
    plain = typing.cast(Any, origin or hint)
    if isinstance(plain, type) and issubclass(plain, Mapping):
        return "object"
    if isinstance(plain, type) and hasattr(plain, "__iter__"):
        return "list" + (f" of {_word(get_args(hint)[0])}" if get_args(hint) else "")
    return getattr(plain, "__name__", str(plain))


def _shown(default: Any) -> str:
    return orjson.dumps(default, default=str).decode()
