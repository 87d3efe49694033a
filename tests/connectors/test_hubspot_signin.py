"""Signing in to HubSpot: one renewal for everybody, before a token ends and once when it is refused, for one portal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from syncd.connectors.credentials import StaticToken
from syncd.connectors.hubspot import HubSpotConnector, HubSpotRefresh
from syncd.connectors.wrappers import Retrying
from syncd.emulator import Emulator, EmulatorClock, Variants
from syncd.errors import AuthFailed, Retry, Stop
from syncd.model import ReadSpec, ReceiptKind, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock, SharedClock
from .worlds_hubspot import DEALS, EVERYTHING, OBJECTS, HubSpotWorld, deal, found, hubspot_world, write

TOKEN = "POST /oauth/2026-09/token"


class Vault:
    """A refresh token in memory; remembers every one that was kept."""

    def __init__(self, value: str) -> None:
        self.kept = [value]
        self._lock = threading.Lock()

    @property
    def value(self) -> str:
        return self.kept[-1]

    def replace(self, value: str) -> None:
        self.kept.append(value)

    @contextmanager
    def held(self) -> Iterator[Vault]:
        with self._lock:
            yield self


def granted(token: str, **more: Any) -> Say:
    """What HubSpot answers to a refresh token that it takes."""
    return Say(body={"access_token": token, "refresh_token": "first", "expires_in": 1800, "hub_id": 7, **more})


def refresh(stub: Stub, clock: FakeClock, vault: Vault | None = None, **options: Any) -> HubSpotRefresh:
    """Credentials on the stub."""
    vault = vault or Vault("first")
    return HubSpotRefresh("client", "secret", vault, clock, base_url=stub.url, emulator=True, **options)


def on_stub(stub: Stub, clock: FakeClock, credentials: Any, **options: Any) -> HubSpotConnector:
    """A connector on the stub."""
    return HubSpotConnector(credentials, clock, base_url=stub.url, emulator=True, **options)


@pytest.mark.parametrize(("version", "path"), [("2026-09", "2026-09"), ("2026-03", "2026-03"), ("v3", "v3")], ids=str)
def test_a_refresh_token_is_exchanged_at_the_path_of_the_version(
    stub: Stub, clock: FakeClock, version: str, path: str
) -> None:
    stub.on(f"POST /oauth/{path}/token", granted("t1"))
    assert refresh(stub, clock, version=version).token() == "t1"
    (asked,) = stub.asked
    assert parse_qs(asked.body) == {
        "grant_type": ["refresh_token"],
        "client_id": ["client"],
        "client_secret": ["secret"],
        "refresh_token": ["first"],
    }


def test_a_token_is_renewed_when_most_of_its_life_is_over(stub: Stub, clock: FakeClock) -> None:
    """F23, F49."""
    stub.on(TOKEN, granted("t1"), granted("t2"))
    credentials = refresh(stub, clock)
    assert credentials.token() == "t1"
    clock.wait(1200)
    assert credentials.token() == "t1"
    clock.wait(300)
    assert credentials.token() == "t2"
    assert len(stub.asked) == 2


def test_the_life_that_the_answer_tells_counts(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1", expires_in=60), granted("t2", expires_in=None), granted("t3"))
    credentials = refresh(stub, clock)
    assert credentials.token() == "t1"
    clock.wait(55)
    assert credentials.token() == "t2"
    clock.wait(1200)
    assert credentials.token() == "t2"  # untold, it is half an hour
    clock.wait(600)
    assert credentials.token() == "t3"


def test_a_token_that_cannot_be_renewed_in_time_is_used_to_its_end(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1"), Say(503, b"<html>"), granted("t2"))
    credentials = refresh(stub, clock)
    credentials.token()
    clock.wait(1500)
    assert credentials.token() == "t1"
    clock.wait(120)
    assert credentials.token() == "t2"


def test_a_token_refused_in_the_middle_is_renewed_once_and_the_same_request_sent_again(
    stub: Stub, clock: FakeClock
) -> None:
    """F23, F49."""
    stub.on(TOKEN, granted("t1"), granted("t2"))
    stub.on(f"POST {OBJECTS}/search", found(deal(1), total=2), Say(401, {}), found(deal(2)))
    pages = list(on_stub(stub, clock, refresh(stub, clock)).pull(DEALS, EVERYTHING))
    assert [row.id for page in pages for row in page.rows] == ["1", "2"]
    searches = [a for a in stub.asked if a.path.endswith("search")]
    assert [a.headers["Authorization"] for a in searches] == ["Bearer t1", "Bearer t1", "Bearer t2"]
    assert searches[1].body == searches[2].body


def test_a_token_that_is_refused_again_ends_the_run(stub: Stub, clock: FakeClock) -> None:
    """F25."""
    stub.on(TOKEN, granted("t1"), granted("t2"))
    stub.on(f"POST {OBJECTS}/batch/update", Say(401, {"category": "EXPIRED_AUTHENTICATION"}))
    with pytest.raises(AuthFailed):
        on_stub(stub, clock, refresh(stub, clock)).write("deals", [write(1)])
    assert stub.paths() == [TOKEN, f"POST {OBJECTS}/batch/update"] * 2


def test_threads_that_find_the_token_due_renew_it_once(stub: Stub, clock: FakeClock) -> None:
    """F24."""
    stub.on(TOKEN, granted("t1"), granted("t2"))
    credentials = refresh(stub, clock)
    credentials.token()
    clock.wait(1600)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(credentials.token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert set(got) <= {"t1", "t2"}  # the old one is good while the new one is on its way
    assert credentials.token() == "t2"
    assert credentials.calls == 2


def test_another_refresh_token_is_kept_before_the_access_token_is_used(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1", refresh_token="second"), granted("t2", refresh_token="third"))
    vault = Vault("first")
    credentials = refresh(stub, clock, vault)
    credentials.token()
    assert vault.kept == ["first", "second"]
    credentials.renew("t1")
    assert parse_qs(stub.asked[-1].body)["refresh_token"] == ["second"]
    assert vault.kept == ["first", "second", "third"]


def test_the_same_refresh_token_is_not_kept_again(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1"))
    vault = Vault("first")
    refresh(stub, clock, vault).token()
    assert vault.kept == ["first"]


@pytest.mark.parametrize(
    ("say", "words"),
    [
        (Say(400, {"status": "BAD_REFRESH_TOKEN", "message": "…"}), "BAD_REFRESH_TOKEN.*install the app"),
        (Say(400, {"error": "invalid_grant"}), "invalid_grant.*install the app"),
        (Say(400, {"status": "BAD_CLIENT_ID"}), "BAD_CLIENT_ID.*client id"),
        (Say(403, b"<html>"), "HTTP 403"),
        (Say(200, {"access_token": "a\nb"}), "HTTP 200"),
        (Say(200, {"status": "error", "category": "BANNED"}), "BANNED"),
    ],
)
def test_a_refused_sign_in_says_what_to_do_and_no_secret(stub: Stub, clock: FakeClock, say: Say, words: str) -> None:
    stub.on(TOKEN, say)
    credentials = refresh(stub, clock, Vault("the-refresh-token"))
    with pytest.raises(AuthFailed, match=f"(?s){words}") as caught:
        credentials.token()
    assert "the-refresh-token" not in str(caught.value)
    assert "secret" not in repr(credentials)


@pytest.mark.parametrize("status", [423, 429, 477, 500, 502])
def test_a_sign_in_that_cannot_be_answered_now_may_be_tried_again(stub: Stub, clock: FakeClock, status: int) -> None:
    stub.on(TOKEN, Say(status, b"<html>", {"Retry-After": "7"}))
    with pytest.raises(Retry) as caught:
        refresh(stub, clock).token()
    assert caught.value.after == timedelta(seconds=7)


@pytest.mark.parametrize("length", [1, 36, 300, 3000])
def test_tokens_may_have_any_length(stub: Stub, clock: FakeClock, length: int) -> None:
    stub.on(TOKEN, granted("t" * length))
    stub.on(f"POST {OBJECTS}/search", found())
    list(on_stub(stub, clock, refresh(stub, clock)).pull(DEALS, EVERYTHING))
    assert stub.asked[-1].headers["Authorization"] == "Bearer " + "t" * length


# --- one portal for ever


def test_a_token_of_another_portal_is_refused_before_it_is_used(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1", hub_id=8))
    hubspot = on_stub(stub, clock, refresh(stub, clock, expected_uid="hubspot-7"), expected_uid="hubspot-7")
    for attempt in (
        lambda: list(hubspot.pull(DEALS, EVERYTHING)),
        lambda: hubspot.write("deals", [write(1)]),
        lambda: hubspot.check([], {}),
    ):
        with pytest.raises(AuthFailed, match=r"portal 8.*portal 7"):
            attempt()
    assert set(stub.paths()) == {TOKEN}


def test_the_sign_in_has_told_the_portal_so_it_is_not_asked_for(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("t1"))
    stub.on(f"POST {OBJECTS}/search", found())
    hubspot = on_stub(stub, clock, refresh(stub, clock, expected_uid="hubspot-7"), expected_uid="hubspot-7")
    list(hubspot.pull(DEALS, EVERYTHING))
    assert stub.paths() == [TOKEN, f"POST {OBJECTS}/search"]


def test_a_static_token_is_asked_once_which_portal_it_is_for(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /account-info/2026-09/details", Say(body={"portalId": 7}))
    stub.on(f"POST {OBJECTS}/search", found())
    hubspot = on_stub(stub, clock, StaticToken("token"), expected_uid="hubspot-7")
    for _ in range(3):
        list(hubspot.pull(DEALS, EVERYTHING))
    assert stub.paths("/account-info") == ["GET /account-info/2026-09/details"]


def test_a_static_token_of_another_portal_reads_and_writes_nothing(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /account-info/2026-09/details", Say(body={"portalId": 8}))
    hubspot = on_stub(stub, clock, StaticToken("token"), expected_uid="hubspot-7")
    for attempt in (
        lambda: list(hubspot.pull(DEALS, EVERYTHING)),
        lambda: list(hubspot.sweep(DEALS)),
        lambda: hubspot.count(DEALS),
        lambda: hubspot.fetch(DEALS, ["1"]),
        lambda: hubspot.write("deals", [write(1)]),
        lambda: hubspot.check([DEALS], {}),
        lambda: hubspot.now(),
    ):
        with pytest.raises(AuthFailed, match=r"portal 8.*portal 7"):
            attempt()
    assert set(stub.paths()) == {"GET /account-info/2026-09/details"}


def test_an_account_without_an_id_is_bound_to_nothing(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /account-info/2026-09/details", Say(body={"timeZone": "UTC"}))
    with pytest.raises(Stop):
        on_stub(stub, clock, StaticToken("token")).check([], {})


# --- against a portal


def signed_in(portal: HubSpotWorld, vault: Vault | None = None, **options: Any) -> HubSpotConnector:
    """A connector that signs in to a portal with its refresh token."""
    there = portal.endpoint
    credentials = HubSpotRefresh(
        there["client_id"],
        there["client_secret"],
        vault or Vault(there["refresh_token"]),
        portal.clock,
        base_url=there["base_url"],
        version=portal.version,
        emulator=True,
        ca_file=options.get("ca_file"),
    )
    return portal.connector(credentials=credentials, **options)


@pytest.mark.parametrize("version", ["v3", "2026-03", "2026-09"])
@pytest.mark.parametrize("rotation", ["same", "rotated"])
def test_an_app_works_for_hours_on_one_refresh_token(version: str, rotation: Any) -> None:
    """F23, F49."""
    with hubspot_world(version, Variants(hubspot_refresh_token=rotation)) as portal:
        ids = {portal.create(f"C{n}") for n in range(3)}
        vault = Vault(portal.endpoint["refresh_token"])
        hubspot = signed_in(portal, vault)
        for _ in range(6):
            portal.clock.wait(1_000)
            (page,) = hubspot.pull(portal.spec, Window(None, hubspot.now()))
            assert {row.id for row in page.rows} == ids
        assert (len(vault.kept) > 3) is (rotation == "rotated")
        assert {r.kind for r in hubspot.write("companies", [portal.write(id_, "v") for id_ in ids])} == {
            ReceiptKind.APPLIED
        }


@pytest.mark.parametrize("category", ["expired", "invalid"])
def test_a_token_that_ends_between_two_pages_costs_one_sign_in(category: Any) -> None:
    """F23, F49."""
    with hubspot_world(variants=Variants(hubspot_expired_category=category)) as portal:
        ids = {portal.create(f"C{n}") for n in range(450)}
        hubspot = signed_in(portal)
        pages = hubspot.pull(portal.spec, Window(None, hubspot.now()))
        rows = list(next(pages).rows)
        portal.emulator.hubspot.expire_token(hubspot._credentials.token())
        rows += [row for page in pages for row in page.rows]
        assert {row.id for row in rows} == ids
        assert portal.paths().count("POST /oauth/2026-09/token") == 2


def test_a_revoked_app_is_the_users_to_install_again(portal: HubSpotWorld) -> None:
    hubspot = signed_in(portal)
    portal.emulator.hubspot.revoke_token(portal.endpoint["refresh_token"])
    with pytest.raises(AuthFailed, match="install the app"):
        hubspot.now()


def test_everything_works_over_https_with_a_certificate_of_ones_own() -> None:
    emulated, clock = EmulatorClock(START), FakeClock()
    emulated.freeze(START)
    emulator = Emulator.empty(emulated)
    with emulator.serve(tls=True) as endpoints:
        portal = HubSpotWorld(emulator, SharedClock(emulated), endpoints["hubspot"])
        id_ = portal.create("Acme")
        hubspot = Retrying(signed_in(portal, ca_file=portal.endpoint["ca_file"]), clock)
        (page,) = hubspot.pull(portal.spec, Window(None, clock.now()))
        assert [row.id for row in page.rows] == [id_]
        untrusting = portal.connector()
        with pytest.raises(Stop, match="not trusted"):
            list(untrusting.pull(ReadSpec(Stream.ACCOUNTS, "companies", ("name",)), Window(None, clock.now())))
        portal.close()
