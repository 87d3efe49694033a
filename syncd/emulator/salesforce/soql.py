"""SOQL as text: parsed by the grammar of soql.lark into the tree of syntax.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from importlib import resources
from typing import Any, TypeVar, cast

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from syncd.emulator.salesforce.syntax import (
    Chain,
    Children,
    Compare,
    Condition,
    Expression,
    Function,
    Group,
    Item,
    Joined,
    Kind,
    Not,
    Order,
    Path,
    Select,
    SoqlError,
    Source,
    TypeOf,
    Value,
)  # fmt: skip

__all__ = ["SoqlError", "parse"]

MAX_STRING, MAX_QUERY = 4_000, 100_000
_CURRENCY = re.compile(r"[A-Z]{3}\d+")
_WORDS: dict[str, tuple[Kind, str]] = {
    "TRUE": ("boolean", "TRUE"), "FALSE": ("boolean", "FALSE"), "NULL": ("null", ""),
}  # fmt: skip
_KINDS: dict[str, Kind] = {"NUMBER": "number", "DATE": "date", "DATETIME": "datetime"}
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\",
            "N": "\n", "R": "\r", "T": "\t", "B": "\b", "F": "\f"}  # fmt: skip
_USAGE = {"VIEW", "REFERENCE", "TRACKING", "VIEWSTAT"}
_WITH = {"SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"}

Inline = TypeVar("Inline", bound=Callable[..., Any])


@lru_cache(maxsize=2048)
def parse(text: str) -> Select:
    """Parse a query or raise SoqlError; what was parsed before is remembered by its text."""
    if len(text) > MAX_QUERY:
        raise SoqlError("MALFORMED_QUERY", f"SOQL statements cannot be longer than {MAX_QUERY} characters.")
    if not text.strip():
        raise SoqlError("MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    try:
        return cast(Select, _parser().parse(text))
    except UnexpectedToken as error:
        raise _unexpected(text, error) from None
    except UnexpectedCharacters as error:
        raise _bad_character(text, error.pos_in_stream or 0) from None
    except VisitError as error:
        raise error.orig_exc from None


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = (resources.files("syncd.emulator.salesforce") / "soql.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", transformer=_Tree(), maybe_placeholders=True)


def _unexpected(text: str, error: UnexpectedToken) -> SoqlError:
    token = cast(Token, error.token)
    if token.type == "$END":
        return SoqlError("MALFORMED_QUERY", "unexpected token: '<EOF>'", len(text))
    before = cast(Any, error.token_history or [None])[-1]
    if token.type == "PATH" and getattr(before, "type", "") == "PATH" and "_FROM" in error.accepts | error.expected:
        token = before  # a misspelt FROM was taken for an alias
    return SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'", token.start_pos)


def _bad_character(text: str, at: int) -> SoqlError:
    if text[at] == "'":
        return SoqlError("MALFORMED_QUERY", f"line 1:{len(text)} no viable alternative at character '<EOF>'", at)
    return SoqlError("MALFORMED_QUERY", f"unexpected token: '{text[at]}'", at)


def _inline(method: Inline) -> Inline:
    return cast(Inline, v_args(inline=True)(method))


class _Tree(Transformer[Token, Any]):
    """Builds the tree while the parser reduces."""

    @_inline
    def start(self, query: Select) -> Select:
        return query

    def query(self, parts: list[Any]) -> Select:
        items, source, scope, where, enforced, group, having, order, limit, offset, _ = parts
        if enforced is not None and enforced.upper() not in _WITH:
            raise _token(enforced)
        return Select(
            items, source, where, group, having, tuple(order or ()), _whole(limit), _whole(offset) or 0, scope or ""
        )

    def items(self, found: list[Any]) -> tuple[Any, ...]:
        return tuple(found)

    @_inline
    def item(self, what: Expression, alias: Token | None) -> Item:
        if alias is not None and "." in alias:
            raise _token(alias)
        return Item(what, "" if alias is None else str(alias))

    @_inline
    def children(self, query: Select) -> Children:
        return Children(query)

    def typeof(self, parts: list[Any]) -> TypeOf:
        path, *branches, otherwise = parts
        return TypeOf(_path(path), tuple(branches), otherwise or ())

    @_inline
    def branch(self, name: Token, fields: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
        return str(name), fields

    def paths(self, tokens: list[Token]) -> tuple[Path, ...]:
        return tuple(map(_path, tokens))

    @_inline
    def path(self, token: Token) -> Path:
        return _path(token)

    def function(self, parts: list[Any]) -> Function:
        name, *args = parts
        return Function(name.upper(), tuple(arg for arg in args if arg is not None), name.start_pos)

    def source(self, named: list[tuple[Path, Token | None]]) -> Source:
        (first, alias), *more = named
        aliases: list[tuple[str, tuple[str, ...]]] = [] if alias is None else [(str(alias).lower(), ())]
        for path, short in more:
            aliases.append((str(short or path.parts[-1]).lower(), path.parts[1:]))
        return Source(str(first), first.at, tuple(aliases))

    @_inline
    def named(self, path: Token, alias: Token | None) -> tuple[Path, Token | None]:
        return _path(path), alias

    def every(self, parts: list[Condition]) -> Chain:
        return Chain("AND", tuple(parts))

    def any(self, parts: list[Condition]) -> Chain:
        return Chain("OR", tuple(parts))

    @_inline
    def negation(self, inner: Condition) -> Not:
        return Not(inner)

    def compare(self, parts: list[Any]) -> Compare:
        what, op, *values = parts
        word = " ".join(op.upper().split())
        return Compare(what, "!=" if word == "<>" else word, tuple(values))

    @_inline
    def joined(self, what: Expression, op: Token, query: Select) -> Joined:
        return Joined(what, " ".join(op.upper().split()), query)

    @_inline
    def literal(self, token: Token) -> Value:
        return _LITERALS.get(token.type, _plain)(token)

    def grouping(self, by: list[Expression]) -> Group:
        only = by[0] if len(by) == 1 else None
        if isinstance(only, Function) and only.name in ("ROLLUP", "CUBE"):
            return Group("ROLLUP" if only.name == "ROLLUP" else "CUBE", only.args)
        return Group("PLAIN", tuple(by))

    def ordering(self, found: list[Order]) -> list[Order]:
        return found

    @_inline
    def order(self, by: Expression, direction: Token | None, place: Token | None) -> Order:
        descending = direction is not None and direction.upper() == "DESC"
        return Order(by, descending, None if place is None else place.upper() == "FIRST")

    def tails(self, tokens: list[Token]) -> None:
        for token in tokens:
            if token.type == "ALL_ROWS":
                raise SoqlError("MALFORMED_QUERY", "ALL ROWS not allowed in this context", token.start_pos)
            if token.upper() not in _USAGE:
                raise _token(token)


def _token(token: Token) -> SoqlError:
    return SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'", token.start_pos)


def _path(token: Token) -> Path:
    return Path(tuple(part.strip() for part in token.split(".")), token.start_pos or 0)


def _whole(token: Token | None) -> int | None:
    if token is None:
        return None
    if not token.isdigit():
        raise _token(token)
    return int(token)


# --- literals


def _plain(token: Token) -> Value:
    return Value(_KINDS[token.type], str(token), token.start_pos or 0)


def _word(token: Token) -> Value:
    at, word = token.start_pos or 0, token.upper()
    if word in _WORDS:
        return Value(*_WORDS[word], at)
    if _CURRENCY.fullmatch(token):
        return Value("currency", str(token), at)
    return Value("range", str(token), at)


def _counted(token: Token) -> Value:
    name, _, count = token.partition(":")
    return Value("range", name.strip(), token.start_pos or 0, int(count))


def _string(token: Token) -> Value:
    plain: list[str] = []
    like: list[str] = []
    body, at = token[1:-1], 0
    while at < len(body):
        if body[at] != "\\":
            plain.append(body[at])
            like.append({"%": ".*", "_": "."}.get(body[at], re.escape(body[at])))
            at += 1
            continue
        char, at = _escape(body, at + 1, token)
        plain.append(char)
        like.append(re.escape(char))
    text = "".join(plain)
    if len(text) > MAX_STRING:
        message = f"String literal exceeds maximum length of {MAX_STRING}"
        raise SoqlError("MALFORMED_QUERY", message, token.start_pos)
    return Value("string", text, token.start_pos or 0, like="".join(like))


def _escape(body: str, at: int, token: Token) -> tuple[str, int]:
    letter = body[at]
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 1
    if letter in "%_":
        return letter, at + 1
    if letter in "uU" and re.fullmatch(r"[0-9A-Fa-f]{4}", body[at + 1 : at + 5]):
        return chr(int(body[at + 1 : at + 5], 16)), at + 5
    message = f"Invalid string literal {token}. Illegal character sequence '\\{letter}'"
    raise SoqlError("MALFORMED_QUERY", message, token.start_pos)


_LITERALS: dict[str, Callable[[Token], Value]] = {"STRING": _string, "RANGE": _counted, "PATH": _word}
