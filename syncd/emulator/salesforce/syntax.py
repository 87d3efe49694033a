"""What a SOQL statement says, as a small tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["string", "number", "currency", "date", "datetime", "boolean", "null", "range"]


class SoqlError(Exception):
    """The query is refused; `code` is the vendor's, `at` the offset of the offending token, if one is to blame."""

    def __init__(self, code: str, message: str, at: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.at = code, message, at


@dataclass(frozen=True, slots=True)
class Value:
    """A value as written; `text` is unescaped for strings, `like` keeps escaped wildcards apart."""

    kind: Kind
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
class Function:
    """`NAME(argument, …)`; the name in capitals."""

    name: str
    args: tuple[Expression, ...]
    at: int

    def __str__(self) -> str:
        return f"{self.name}({','.join(map(str, self.args))})"


Expression = Path | Function


@dataclass(frozen=True, slots=True)
class Item:
    """One element of the SELECT list."""

    what: Expression
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Children:
    """A sub-select over a child relationship."""

    query: Select


@dataclass(frozen=True, slots=True)
class TypeOf:
    """Fields that depend on which object a reference points to."""

    path: Path
    branches: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Compare:
    """`what op value(s)`."""

    what: Expression
    op: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """`what IN (SELECT …)`, a semi-join, or with NOT IN an anti-join."""

    what: Expression
    op: str
    query: Select


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    inner: Condition


@dataclass(frozen=True, slots=True)
class Chain:
    """Conditions joined by AND or by OR."""

    word: str
    parts: tuple[Condition, ...]


Condition = Compare | Joined | Not | Chain


@dataclass(frozen=True, slots=True)
class Order:
    """One sort key."""

    by: Expression
    descending: bool
    nulls_first: bool | None  # None: not said


@dataclass(frozen=True, slots=True)
class Group:
    """GROUP BY: plain, or ROLLUP or CUBE with subtotals."""

    kind: Literal["PLAIN", "ROLLUP", "CUBE"]
    by: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """What FROM names: an object or, in a sub-select, a relationship; `aliases` maps short names to paths."""

    name: str
    at: int
    aliases: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Select:
    """A parsed query."""

    items: tuple[Item | Children | TypeOf, ...]
    source: Source
    where: Condition | None = None
    group: Group | None = None
    having: Condition | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    scope: str = ""

    @property
    def counts(self) -> bool:
        """Whether this is SELECT COUNT()."""
        only = self.items[0] if len(self.items) == 1 else None
        return isinstance(only, Item) and isinstance(only.what, Function) and str(only.what) == "COUNT()"
