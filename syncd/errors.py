"""Errors, grouped by what the caller should do about them.

A class docstring is the default message. Raise or return, never log and carry on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


class SyncdError(Exception):
    """Something went wrong inside syncd."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class Retry(SyncdError):
    """The other side could not answer now; ask again later.

    `after` is the shortest wait the server named, `None` when it named none.
    `outcome_unknown` says that a write may have been applied although no answer arrived:
    read back by id before anything is sent again.
    """

    def __init__(
        self, message: str | None = None, *, after: timedelta | None = None, outcome_unknown: bool = False
    ) -> None:
        super().__init__(message)
        self.after = after
        self.outcome_unknown = outcome_unknown


class QuotaExhausted(Retry):
    """The daily share of API calls is used up; the work goes on when the window rolls."""


class Stop(SyncdError):
    """This run must end; nothing was lost and nothing half done is kept."""


class AuthFailed(Stop):
    """The other side refused our credentials or rights."""


class IncompleteRead(Stop):
    """A window was read with fewer records than the server counted; the watermark stays where it was."""


class LeaseLost(Stop):
    """Another daemon has taken over; this one must not write state any more."""


class Brake(SyncdError):
    """A safety limit was reached; a person has to look before the work goes on."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a file: where it is, what it is, what to do. `line` and `column` count from 1."""

    file: str
    line: int | None
    key: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        text = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        return f"{text} {self.remedy}".rstrip()


class UserError(SyncdError):
    """You can fix this; no traceback helps. `problems` lists every mistake found, not only the first."""

    def __init__(self, message: str | None = None, problems: tuple[Problem, ...] = ()) -> None:
        self.problems = problems
        super().__init__(message or "\n".join(str(p) for p in problems) or None)
