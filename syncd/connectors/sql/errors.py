"""What a database's refusals mean, by their codes. Their texts hold values, and so customer data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from syncd.connectors.transport import Forbidden
from syncd.errors import AuthFailed, Retry, Stop, SyncdError, UserError

# SQLSTATE: classes of the standard, and PostgreSQL's own words for what passes by
_PASSES_BY = ("08", "40", "53", "57P", "55P03", "57014")
_SIGN_IN, _RIGHT, _UNKNOWN_NAME = "28", "42501", "42"
# SQLite's result codes: busy, locked, input/output, cannot open
_SQLITE_PASSES_BY = frozenset({5, 6, 10, 14})
_SQLITE_READ_ONLY, _SQLITE_WRONG = 8, 1


def code_of(error: exc.DBAPIError) -> str:
    """The code of a refusal; the name of its class where the driver tells none."""
    orig = error.orig
    code = getattr(orig, "sqlstate", None) or getattr(orig, "sqlite_errorname", None)
    return str(code or type(orig).__name__)


def is_lost(error: exc.DBAPIError) -> bool:
    """Whether the connection is gone, and with it everything that was not committed."""
    return error.connection_invalidated


def of_row(error: exc.DBAPIError) -> bool:
    """Whether a refusal is about the row that was sent."""
    return isinstance(error, exc.IntegrityError | exc.DataError) and not is_lost(error)


def meaning(error: exc.DBAPIError, doing: str) -> SyncdError:
    """The error that a refusal means."""
    code = code_of(error)
    said = f"The database, {doing}: {code}."
    number = (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF
    if is_lost(error) or code.startswith(_PASSES_BY) or number in _SQLITE_PASSES_BY:
        return Retry(said)
    if code.startswith(_SIGN_IN):
        return AuthFailed(f"{said} It refused to let us in; check the user and the password in `sql.url`.")
    if code == _RIGHT or number == _SQLITE_READ_ONLY:
        return Forbidden(f"{said} This user lacks the right; grant it.")
    if isinstance(error, exc.ProgrammingError) or code.startswith(_UNKNOWN_NAME) or number == _SQLITE_WRONG:
        return UserError(f"{said} A table or a column is not there, or has another type. Run `syncd check`.")
    if isinstance(error, exc.OperationalError | exc.InterfaceError):
        return Retry(f"{said} It cannot be reached, or does not let us in; check `sql.url`.")
    return Stop(said)


def constraint(error: exc.DBAPIError) -> str:
    """The name of the constraint that a row violated; blank where it is not told."""
    return str(getattr(getattr(error.orig, "diag", None), "constraint_name", None) or "")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Errors of the database as those of the port."""
    try:
        yield
    except exc.DBAPIError as error:
        raise meaning(error, doing) from None
    except exc.TimeoutError:
        raise Retry(f"The database, {doing}: all connections to it are in use.") from None
