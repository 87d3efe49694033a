"""SOQL as text: a tokenizer and a recursive-descent parser that yield a small syntax tree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

MAX_STRING, MAX_QUERY = 4_000, 100_000
_TOKENS = re.compile(
    r"""(?P<space>\s+)
    |(?P<string>'(?:[^'\\]|\\.)*')
    |(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
    |(?P<date>\d{4}-\d\d-\d\d)
    |(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<op><=|>=|!=|<>|[=<>(),:])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\",
            "N": "\n", "R": "\r", "T": "\t", "B": "\b", "F": "\f"}  # fmt: skip
_OPERATORS = {"=", "!=", "<>", "<", ">", "<=", ">="}


class SoqlError(Exception):
    """The query is refused; `code` is the vendor's, `at` the offset of the offending token, if one is to blame."""

    def __init__(self, code: str, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.at = code, message, at


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its offset."""

    kind: str
    text: str
    at: int

    @property
    def word(self) -> str:
        """The upper-case keyword that a bare name may be."""
        return self.text.upper() if self.kind == "name" else ""


@dataclass(frozen=True, slots=True)
class Literal_:
    """A value as written; `text` is unescaped for strings, `like` keeps escaped wildcards apart."""

    kind: Literal["string", "number", "date", "datetime", "boolean", "null", "range"]
    text: str
    at: int
    count: int = 0
    like: str = ""


@dataclass(frozen=True, slots=True)
class Path:
    """A field, perhaps of a parent: Owner.Email."""

    parts: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Compare:
    """`path op value(s)`."""

    path: Path
    op: str
    values: tuple[Literal_, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Chain:
    """Conditions joined by AND or by OR."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compare | Not | Chain


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    path: Path
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class Select:
    """A parsed query. `fields` is empty for COUNT(); a `FIELDS(ALL)` stands as the path FIELDS.ALL."""

    fields: tuple[Path, ...]
    count: bool
    source: str
    source_at: int
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int


def parse(text: str) -> Select:
    """Parse a query or raise SoqlError."""
    if len(text) > MAX_QUERY:
        raise SoqlError("QUERY_TOO_COMPLICATED", f"SOQL statements cannot be longer than {MAX_QUERY} characters.")
    return _Parser(list(_tokens(text)), len(text)).query()


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None or match.lastgroup is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{text[at : at + 1]}'", at)
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match.group(), at)
        at = match.end()


class _Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, tokens: list[Token], length: int) -> None:
        self._tokens = [*tokens, Token("end", "<EOF>", length)]
        self._at = 0
        self._alias = ""

    # --- helpers

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._now
        self._at += 1
        return token

    def _unexpected(self, token: Token) -> SoqlError:
        return SoqlError("MALFORMED_QUERY", f"unexpected token: '{token.text}'", token.at)

    def _accept(self, *words: str) -> bool:
        """Take these keywords or operators if they come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [token.word or token.text for token in ahead] != list(words):
            return False
        self._at += len(words)
        return True

    def _expect(self, word: str) -> None:
        if not self._accept(word):
            raise self._unexpected(self._now)

    def _name(self) -> Token:
        if self._now.kind != "name":
            raise self._unexpected(self._now)
        return self._take()

    def _integer(self) -> int:
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected(token)
        return int(token.text)

    # --- clauses

    def query(self) -> Select:
        """The whole statement."""
        self._expect("SELECT")
        count = self._accept("COUNT", "(", ")")
        fields = () if count else tuple(self._select_list())
        self._expect("FROM")
        source = self._name()
        self._alias_clause()
        if self._accept("USING", "SCOPE"):
            self._name()
        where = self._conditions() if self._accept("WHERE") else None
        if self._accept("WITH"):
            self._name()
        order = tuple(self._order_list()) if self._accept("ORDER", "BY") else ()
        limit = self._integer() if self._accept("LIMIT") else None
        offset = self._integer() if self._accept("OFFSET") else 0
        if self._accept("FOR"):
            self._name()
        if self._now.kind != "end":
            raise self._unexpected(self._now)
        fields = tuple(self._without_alias(path) for path in fields)
        return Select(fields, count, source.text, source.at, where, order, limit, offset)

    def _alias_clause(self) -> None:
        clause = {"USING", "WHERE", "WITH", "ORDER", "LIMIT", "OFFSET", "FOR", "GROUP", "HAVING", "ALL"}
        self._accept("AS")
        if self._now.kind == "name" and self._now.word not in clause:
            self._alias = self._take().text.lower()

    def _without_alias(self, path: Path) -> Path:
        aliased = self._alias and len(path.parts) > 1 and path.parts[0].lower() == self._alias
        return Path(path.parts[1:], path.at) if aliased else path

    def _path(self) -> Path:
        token = self._name()
        return self._without_alias(Path(tuple(token.text.split(".")), token.at))

    def _select_list(self) -> Iterator[Path]:
        while True:
            if self._now.word == "FIELDS":
                at = self._take().at
                self._expect("(")
                yield Path(("FIELDS", self._name().word), at)
                self._expect(")")
            else:
                yield self._path()
            if not self._accept(","):
                return

    def _order_list(self) -> Iterator[Order]:
        while True:
            path = self._path()
            descending = self._accept("DESC") or (self._accept("ASC") and False)
            nulls_first = self._accept("NULLS", "FIRST") or not self._accept("NULLS", "LAST")
            yield Order(path, descending, nulls_first)
            if not self._accept(","):
                return

    # --- conditions

    def _conditions(self) -> Condition:
        parts = [self._condition()]
        word = self._now.word
        if word not in ("AND", "OR"):
            return parts[0]
        while self._now.word in ("AND", "OR"):
            if self._now.word != word:  # the vendor wants parentheses between AND and OR
                raise self._unexpected(self._now)
            self._take()
            parts.append(self._condition())
        return Chain(word, tuple(parts))

    def _condition(self) -> Condition:
        if self._accept("NOT"):
            return Not(self._condition())
        if self._accept("("):
            inner = self._conditions()
            self._expect(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Compare:
        path, token = self._path(), self._take()
        if token.kind == "op" and token.text in _OPERATORS:
            return Compare(path, "!=" if token.text == "<>" else token.text, (self._literal(),))
        if token.word == "LIKE":
            return Compare(path, "LIKE", (self._literal(),))
        if token.word == "NOT" and self._accept("IN"):
            return Compare(path, "NOT IN", self._literals())
        if token.word in ("IN", "INCLUDES", "EXCLUDES"):
            return Compare(path, token.word, self._literals())
        raise self._unexpected(token)

    def _literals(self) -> tuple[Literal_, ...]:
        self._expect("(")
        found = [self._literal()]
        while self._accept(","):
            found.append(self._literal())
        self._expect(")")
        return tuple(found)

    def _literal(self) -> Literal_:
        token = self._take()
        match token.kind:
            case "string":
                return _string(token)
            case "number":
                return Literal_("number", token.text, token.at)
            case "date":
                return Literal_("date", token.text, token.at)
            case "datetime":
                return Literal_("datetime", token.text, token.at)
            case "name":
                return self._word_literal(token)
            case _:
                raise self._unexpected(token)

    def _word_literal(self, token: Token) -> Literal_:
        if token.word in ("TRUE", "FALSE"):
            return Literal_("boolean", token.word, token.at)
        if token.word == "NULL":
            return Literal_("null", "", token.at)
        if self._accept(":"):
            return Literal_("range", token.word, token.at, self._integer())
        return Literal_("range", token.word, token.at)


def _string(token: Token) -> Literal_:
    plain: list[str] = []
    like: list[str] = []
    body, at = token.text[1:-1], 0
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
        raise SoqlError("MALFORMED_QUERY", f"String literal exceeds maximum length of {MAX_STRING}", token.at)
    return Literal_("string", text, token.at, like="".join(like))


def _escape(body: str, at: int, token: Token) -> tuple[str, int]:
    letter = body[at]
    if letter in _ESCAPES:
        return _ESCAPES[letter], at + 1
    if letter in "%_":
        return letter, at + 1
    if letter in "uU" and re.fullmatch(r"[0-9A-Fa-f]{4}", body[at + 1 : at + 5]):
        return chr(int(body[at + 1 : at + 5], 16)), at + 5
    message = f"Invalid string literal {token.text}. Illegal character sequence '\\{letter}'"
    raise SoqlError("MALFORMED_QUERY", message, token.at)
