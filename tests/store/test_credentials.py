"""Kept refresh tokens: encrypted for one connection, used by one at a time, on disk before they are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
import sqlalchemy as sa

from syncd.errors import AuthFailed, Retry, UserError
from syncd.store import leases
from syncd.store.credentials import HELD_SECONDS, Vault
from syncd.store.database import HEAD, Store
from syncd.store.tables import credential

Open = Callable[..., Vault]


@pytest.fixture
def vault(store: Store, clock: Any) -> Open:
    """Opens the vault of a connection, as another process would."""

    def opened(**about: str) -> Vault:
        known = {"name": "prm", "bound_to": "api.example app-1", "given": "first", "key": "a key", **about}
        return Vault(store, clock, **known)

    return opened


def use(vault: Vault, following: str | None = None) -> str:
    """Use the token once; the other side may answer with another one. Returns the one that was used."""
    with vault.held() as held:
        used = held.value
        if following is not None:
            held.replace(following)
            assert held.value == following
    return used


def stored(store: Store) -> list[Any]:
    with store.read() as tx:
        return list(tx.execute(sa.select(credential)))


def test_the_token_of_the_settings_is_used_until_there_is_another(vault: Open, store: Store) -> None:
    assert use(vault()) == "first"
    assert stored(store) == []
    assert use(vault(), "second") == "first"
    assert use(vault(), "third") == "second"
    assert use(vault()) == "third"
    assert len(stored(store)) == 1


def test_what_is_kept_is_encrypted_and_shown_nowhere(vault: Open, store: Store) -> None:
    one = vault()
    use(one, "hunter2-the-second")
    (row,) = stored(store)
    assert b"hunter2" not in bytes(row.sealed)
    with one.held() as held:
        assert "hunter2" not in repr(held) + repr(one)
    first = bytes(row.sealed)
    use(vault(), "hunter2-the-second")
    assert bytes(stored(store)[0].sealed) != first, "the same token is never encrypted the same way twice"


def test_another_token_in_the_settings_takes_the_place_of_the_kept_one(vault: Open, store: Store) -> None:
    use(vault(), "second")
    assert use(vault(given="installed again")) == "installed again"
    assert use(vault()) == "second", "as long as it has not changed, the old one is there"
    use(vault(given="installed again"), "third")
    assert use(vault(given="installed again")) == "third"
    assert len(stored(store)) == 1


def test_another_key_cannot_read_it_and_says_what_to_do(vault: Open) -> None:
    use(vault(), "second")
    with pytest.raises(AuthFailed, match=r"cannot be read with `credentials\.key`\. Put back the key"):
        use(vault(key="another key"))
    assert use(vault()) == "second"


@pytest.mark.parametrize("other", [{"name": "prm2"}, {"bound_to": "api.example app-2"}], ids=str)
def test_a_row_that_was_copied_to_another_connection_cannot_be_read(
    vault: Open, store: Store, other: dict[str, str]
) -> None:
    use(vault(), "second")
    theirs = vault(**other)
    with store.begin() as tx:
        row = tx.execute(sa.select(credential)).one()
        tx.execute(credential.delete())
        copied = {"name": other.get("name", "prm"), "sealed": row.sealed, "began_with": theirs._began_with()}
        tx.execute(credential.insert().values(**copied, changed_at=row.changed_at))
    with pytest.raises(AuthFailed, match="cannot be read"):
        use(theirs)


def test_nobody_else_uses_it_while_it_is_held_and_no_transaction_is_open_meanwhile(
    vault: Open, store: Store, clock: Any
) -> None:
    """F24."""
    with vault().held() as held:
        with pytest.raises(Retry, match="Another process is renewing"):
            use(vault())
        assert sum(clock.waited) == 30.0
        with store.append() as tx:
            tx.execute(sa.text("UPDATE counter SET value = value"))
        held.replace("second")
    assert use(vault()) == "second"


def test_other_connections_do_not_wait(vault: Open, clock: Any) -> None:
    with vault().held():
        assert use(vault(name="other")) == "first"
    assert clock.waited == []


def test_whoever_died_with_it_lets_go_in_the_end(vault: Open, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    left = vault().held()
    left.__enter__()
    real = leases._now
    monkeypatch.setattr(leases, "_now", lambda tx: real(tx) + (HELD_SECONDS + 1) * 1_000_000)
    assert use(vault()) == "first"
    left.__exit__(None, None, None)
    with vault().held(), pytest.raises(Retry):
        use(vault())


def test_one_that_answered_too_late_does_not_undo_what_another_has_kept(
    vault: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(vault(), "second")
    with vault().held() as slow:
        real = leases._now
        with monkeypatch.context() as patch:
            patch.setattr(leases, "_now", lambda tx: real(tx) + (HELD_SECONDS + 1) * 1_000_000)
            assert use(vault(), "third") == "second"
        with pytest.raises(Retry, match="changed by another process"):
            slow.replace("from the slow one")
    assert use(vault()) == "third"


def test_it_is_on_disk_before_it_is_used(vault: Open, store: Store) -> None:
    """Whatever happens after `replace` has returned, the new token is there."""

    def die() -> None:
        with vault().held() as held:
            held.replace("second")
            raise RuntimeError("the process dies before it uses the access token")

    with pytest.raises(RuntimeError):
        die()
    assert use(vault()) == "second"


def test_a_refusal_leaves_the_token_and_lets_go_of_it(vault: Open, clock: Any) -> None:
    with pytest.raises(AuthFailed), vault().held():
        raise AuthFailed
    assert use(vault()) == "first"
    assert clock.waited == []


@pytest.fixture
def empty(empty_database_url: str) -> Iterator[Store]:
    with closing(Store(empty_database_url)) as made:
        yield made


def test_a_token_has_a_place_to_be_kept_before_there_is_a_state(empty: Store, clock: Any) -> None:
    made = Vault(empty, clock, name="prm", bound_to="x", given="first", key="k")
    assert use(made, "second") == "first"
    assert use(made) == "second"


def test_a_state_of_another_version_is_not_touched(store: Store, vault: Open) -> None:
    with store.begin() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    try:
        with pytest.raises(UserError, match="syncd db upgrade"):
            use(vault())
    finally:
        with store.begin() as tx:
            tx.execute(sa.text("UPDATE alembic_version SET version_num = :head"), {"head": HEAD})
