"""Signing in to Salesforce: three ways without a password, one org for ever, and a token that is renewed in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from syncd.connectors.budget import salesforce_budget
from syncd.connectors.credentials import StaticToken
from syncd.connectors.salesforce import (
    SalesforceClientCredentials,
    SalesforceRefreshToken,
    SalesforceSignedAssertion,
    signin,
)
from syncd.connectors.salesforce.pull import Scale
from syncd.connectors.wrappers import Retrying
from syncd.errors import AuthFailed, QuotaExhausted, Retry, Stop, UserError
from syncd.model import Page, ReadSpec, ReceiptKind, Stream, Window

from .stub import Say, Stub
from .worlds import START, FakeClock
from .worlds_salesforce import DATA, SalesforceWorld, on_stub, page, record, refusal, salesforce_world

ORG, OTHER = "00DdM00000vfgTuUAI", "00D000000000001EAA"
TOKEN = "POST /services/oauth2/token"
SPEC = ReadSpec(Stream.ACCOUNTS, "Account", ("Name",))
WINDOW = Window(None, START)
EXPIRED = refusal(401, "INVALID_SESSION_ID")
SMALL = Scale(rows_per_page=200)


@pytest.fixture(scope="module")
def key() -> str:
    """A private key in PEM form."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return made.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def granted(token: str, org_id: str | None = ORG, **more: Any) -> Say:
    """What the token endpoint says."""
    identity = {"id": f"https://login.salesforce.com/id/{org_id}/005000000000001AAA"} if org_id else {}
    return Say(body={"access_token": token, "token_type": "Bearer", **identity, **more})


class Vault:
    """Keeps a refresh token in memory, and remembers in which order things were done."""

    def __init__(self, value: str) -> None:
        self.value, self.log = value, []  # type: ignore[var-annotated]
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[Vault]:
        with self._lock:
            self.log.append("held")
            yield self
            self.log.append("let go")

    def replace(self, value: str) -> None:
        self.value = value
        self.log.append(f"kept {value}")


# --- the flows, word for word


def test_an_assertion_says_who_we_are_for_three_minutes(stub: Stub, clock: FakeClock, key: str) -> None:
    stub.on(TOKEN, granted("t"))
    credentials = SalesforceSignedAssertion(
        stub.url, "app", "syncd@acme.com", key, clock, audience="test", emulator=True
    )
    assert credentials.token() == "t"
    form = parse_qs(stub.asked[0].body)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    public = serialization.load_pem_private_key(key.encode(), None).public_key()
    claims = jwt.decode(
        form["assertion"][0], public, algorithms=["RS256"], audience="https://test.salesforce.com",  # type: ignore[arg-type]
        options={"verify_exp": False},
    )  # fmt: skip
    assert claims == {
        "iss": "app",
        "sub": "syncd@acme.com",
        "aud": "https://test.salesforce.com",
        "exp": int((START + timedelta(seconds=180)).timestamp()),
    }


@pytest.mark.parametrize(
    ("audience", "claimed"),
    [
        ("login", "https://login.salesforce.com"),
        ("test", "https://test.salesforce.com"),
        ("https://acme.my.site.com", "https://acme.my.site.com"),
    ],
)
def test_the_audience_is_that_of_the_kind_of_org(
    stub: Stub, clock: FakeClock, key: str, audience: str, claimed: str
) -> None:
    stub.on(TOKEN, granted("t"))
    SalesforceSignedAssertion(stub.url, "app", "u", key, clock, audience=audience, emulator=True).token()
    assertion = parse_qs(stub.asked[0].body)["assertion"][0]
    assert jwt.decode(assertion, options={"verify_signature": False})["aud"] == claimed


def test_a_clock_that_is_wrong_is_told_from_a_wrong_key_by_the_servers(stub: Stub, clock: FakeClock, key: str) -> None:
    """An assertion that is too old or too new over there is made once more in the server's time, and only then."""
    no = {"error": "invalid_grant", "error_description": "invalid assertion"}
    late = Say(400, no, {"Date": "Mon, 23 Nov 2026 09:20:00 GMT"})
    stub.on(TOKEN, late, granted("t"), Say(400, no, {"Date": "Mon, 23 Nov 2026 09:00:30 GMT"}))
    assert SalesforceSignedAssertion(stub.url, "app", "u", key, clock, emulator=True).token() == "t"
    second = jwt.decode(parse_qs(stub.asked[1].body)["assertion"][0], options={"verify_signature": False})
    assert second["exp"] == int((START + timedelta(minutes=23)).timestamp())
    with pytest.raises(AuthFailed, match="certificate"):
        SalesforceSignedAssertion(stub.url, "app", "u", key, clock, emulator=True).token()
    assert len(stub.asked) == 3


@pytest.mark.parametrize(
    "broken", ["", "no key at all", "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----"]
)
def test_a_key_that_is_none_is_the_users_to_fix_and_is_not_shown(stub: Stub, clock: FakeClock, broken: str) -> None:
    with pytest.raises(UserError, match="PEM") as caught:
        SalesforceSignedAssertion(stub.url, "app", "u", broken, clock, emulator=True).token()
    assert "MIIB" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert stub.asked == []


def test_a_refresh_token_that_rotates_is_kept_before_the_access_token_is_used(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one", refresh_token="second"), granted("two", refresh_token="second"), granted("three"))
    vault = Vault("first")
    credentials = SalesforceRefreshToken(stub.url, "app", None, vault, clock=clock, emulator=True)
    assert credentials.token() == "one"
    assert vault.log == ["held", "kept second", "let go"]
    assert credentials.renew("one") == "two"
    assert credentials.renew("two") == "three"
    assert vault.log[3:] == ["held", "let go"] * 2  # the same again, or none: nothing to keep
    forms = [parse_qs(a.body) for a in stub.asked]
    assert [f["refresh_token"] for f in forms] == [["first"], ["second"], ["second"]]
    assert not any("client_secret" in f for f in forms)


def test_a_rotated_token_is_kept_even_if_the_sign_in_leads_elsewhere(stub: Stub, clock: FakeClock) -> None:
    """The old one is dead already."""
    stub.on(TOKEN, granted("one", OTHER, refresh_token="second"))
    vault = Vault("first")
    credentials = SalesforceRefreshToken(stub.url, "app", "secret", vault, clock=clock, emulator=True)
    credentials.bind(ORG)
    with pytest.raises(AuthFailed, match="belongs to org"):
        credentials.token()
    assert vault.value == "second"
    assert parse_qs(stub.asked[0].body)["client_secret"] == ["secret"]


def test_a_lost_answer_keeps_the_refresh_token_as_it_was(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, Say(mute=True), Say(503), granted("t"))
    vault = Vault("first")
    credentials = SalesforceRefreshToken(stub.url, "app", None, vault, clock=clock, emulator=True)
    for _ in range(2):
        with pytest.raises(Retry):
            credentials.token()
    assert credentials.token() == "t"
    assert vault.value == "first"


def test_a_used_up_refresh_token_says_what_to_do(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, Say(400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}))
    with pytest.raises(AuthFailed, match="authorize the app once more"):
        SalesforceRefreshToken(stub.url, "app", None, Vault("dead"), clock=clock, emulator=True).token()


# --- in time


def client(stub: Stub, clock: FakeClock | None, **options: Any) -> SalesforceClientCredentials:
    return SalesforceClientCredentials(stub.url, "id", "secret", clock=clock, emulator=True, **options)


def test_a_token_is_renewed_before_its_session_ends_and_never_for_that_alone(stub: Stub, clock: FakeClock) -> None:
    """F23. After three quarters of the session, when something is asked; until then no call is spent."""
    stub.on(TOKEN, granted("one"), granted("two"))
    credentials = client(stub, clock)
    assert credentials.token() == "one"
    clock.wait(timedelta(minutes=89).total_seconds())
    assert credentials.token() == "one"
    clock.wait(timedelta(minutes=2).total_seconds())
    assert len(stub.asked) == 1
    assert credentials.token() == credentials.token() == "two"
    assert len(stub.asked) == 2
    assert timedelta(hours=2) == signin.SESSION_LENGTH


def test_the_length_of_a_session_is_the_orgs_to_say(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one"), granted("two"))
    credentials = client(stub, clock, session_length=timedelta(minutes=15))
    credentials.token()
    clock.wait(12 * 60)
    assert credentials.token() == "two"


def test_a_token_that_cannot_be_renewed_in_time_is_used_on_and_tried_again_in_a_minute(
    stub: Stub, clock: FakeClock
) -> None:
    stub.on(TOKEN, granted("one"), Say(503), granted("two"))
    credentials = client(stub, clock)
    credentials.token()
    clock.wait(2 * 3600)
    assert credentials.token() == credentials.token() == "one"
    assert len(stub.asked) == 2
    clock.wait(61)
    assert credentials.token() == "two"


def test_threads_that_find_a_token_due_renew_it_once(stub: Stub, clock: FakeClock) -> None:
    """F24. The others may go on with the old one meanwhile."""
    stub.on(TOKEN, granted("one"), granted("two"), granted("three"))
    credentials = client(stub, clock)
    credentials.token()
    clock.wait(2 * 3600)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(credentials.token())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(got) == 8
    assert set(got) <= {"one", "two"}
    assert credentials.token() == "two"
    assert len(stub.asked) == 2


def test_a_refused_sign_in_is_tried_once_more_and_then_rests(stub: Stub, clock: FakeClock) -> None:
    """F25. Each attempt is logged over there, and some orgs lock a user out who fails too often."""
    stub.on(TOKEN, Say(400, {"error": "invalid_grant"}))
    credentials = client(stub, clock)
    for _ in range(5):
        with pytest.raises(AuthFailed, match="run-as user"):
            credentials.token()
    assert len(stub.asked) == 2
    clock.wait(3_601)
    with pytest.raises(AuthFailed):
        credentials.token()
    assert len(stub.asked) == 3


def test_a_user_that_is_let_in_again_is_signed_in_after_the_rest(stub: Stub, clock: FakeClock) -> None:
    no = Say(400, {"error": "invalid_grant"})
    stub.on(TOKEN, no, no, granted("t"))
    credentials = client(stub, clock)
    for _ in range(3):
        with pytest.raises(AuthFailed):
            credentials.token()
    clock.wait(3_601)
    assert credentials.token() == "t"


# --- one org


def test_every_token_is_of_the_org_that_is_bound(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one"), granted("two", OTHER))
    stub.on(f"GET {DATA}/queryAll", EXPIRED)
    salesforce = on_stub(stub, clock, credentials=client(stub, clock), expected_uid=f"salesforce-{ORG}")
    with pytest.raises(AuthFailed, match=f"is org {OTHER}, but this connection belongs to org {ORG}"):
        list(salesforce.pull(SPEC, WINDOW))
    assert "Bearer two" not in {a.headers.get("Authorization") for a in stub.asked}


def test_what_is_bound_at_first_is_bound_for_ever(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one", ORG[:15]), granted("two"), granted("three", OTHER))
    credentials = client(stub, clock)
    assert credentials.token() == "one"
    assert credentials.renew("one") == "two"
    with pytest.raises(AuthFailed, match=OTHER):
        credentials.renew("two")


def test_another_org_behind_a_static_token_is_found_at_the_check(stub: Stub, clock: FakeClock) -> None:
    stub.on("GET /services/oauth2/userinfo", Say(body={"organization_id": OTHER}))
    stub.on("GET /services/data", Say(body=[{"version": "68.0"}]))
    salesforce = on_stub(stub, clock, expected_uid=f"salesforce-{ORG}")
    with pytest.raises(AuthFailed, match=f"belongs to org {ORG}"):
        salesforce.check([], {})


def test_a_sign_in_for_another_org_is_refused_at_once(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one", OTHER))
    salesforce = on_stub(stub, clock, credentials=client(stub, clock), expected_uid=f"salesforce-{ORG}")
    with pytest.raises(AuthFailed, match="or make a new connection"):
        salesforce.fetch(SPEC, [record(1)["Id"]])
    assert stub.paths() == [TOKEN]


# --- refused tokens


def test_a_session_that_no_renewal_helps_is_not_renewed_at_every_call(stub: Stub, clock: FakeClock) -> None:
    """F25. Some sessions are not valid for the API by policy: two calls and one sign-in, then one call each."""
    stub.on(TOKEN, *(granted(f"t{n}") for n in range(9)))
    stub.on(f"GET {DATA}/queryAll", EXPIRED)
    salesforce = on_stub(stub, clock, credentials=client(stub, clock, session_length=timedelta(days=1)))
    for _ in range(5):
        with pytest.raises(AuthFailed):
            list(salesforce.pull(SPEC, WINDOW))
    assert len(stub.paths("/services/oauth2")) == 2
    assert len(stub.paths(f"{DATA}/queryAll")) == 2 + 4
    clock.wait(3_601)
    with pytest.raises(AuthFailed):
        list(salesforce.pull(SPEC, WINDOW))
    assert len(stub.paths("/services/oauth2")) == 3


def test_a_token_that_works_again_is_renewed_again_when_it_ends(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, *(granted(f"t{n}") for n in range(9)))
    stub.on(f"GET {DATA}/queryAll", EXPIRED, EXPIRED, page(), EXPIRED, page())
    salesforce = on_stub(stub, clock, credentials=client(stub, clock))
    with pytest.raises(AuthFailed):
        list(salesforce.pull(SPEC, WINDOW))
    assert list(salesforce.pull(SPEC, WINDOW))
    assert list(salesforce.pull(SPEC, WINDOW))
    assert len(stub.paths("/services/oauth2")) == 3


def test_the_one_resource_that_refuses_a_stale_token_otherwise_renews_it_too(stub: Stub, clock: FakeClock) -> None:
    stub.on(TOKEN, granted("one"), granted("two"))
    stub.on("GET /services/oauth2/userinfo", Say(403, b"Bad_OAuth_Token"), Say(body={"organization_id": ORG}))
    stub.on(f"GET {DATA}/limits", Say(body={}))
    stub.on("GET /services/data", Say(body=[{"version": "68.0"}]))
    stub.on(f"POST {DATA}/composite", refusal(403, "X"))
    checked = on_stub(stub, clock, credentials=client(stub, clock)).check([], {})
    assert checked.uid == f"salesforce-{ORG}"


# --- against the emulated org


def ways(org: SalesforceWorld, key: str | None = None) -> dict[str, Any]:
    """The credentials of each flow."""
    e = org.endpoint
    assertion = SalesforceSignedAssertion(
        e["base_url"], e["client_id"], e["username"], key or org.emulator.salesforce.create_certificate(), org.clock,
        audience=e["base_url"], emulator=True,
    )  # fmt: skip
    refresh = SalesforceRefreshToken(
        e["base_url"], e["client_id"], e["client_secret"], Vault(e["refresh_token"]), clock=org.clock, emulator=True
    )
    secret = SalesforceClientCredentials(
        e["base_url"], e["client_id"], e["client_secret"], clock=org.clock, emulator=True
    )
    return {"client_credentials": secret, "jwt": assertion, "refresh_token": refresh}


@pytest.mark.parametrize("flow", ["client_credentials", "jwt", "refresh_token"])
def test_every_flow_signs_in_and_survives_the_end_of_its_session(org: SalesforceWorld, flow: str) -> None:
    """F23. At any call: the read goes on with a fresh token and loses nothing."""
    org.emulator.salesforce.set_refresh_rotation(True)
    ids = {org.create(f"C{n}") for n in range(700)}
    salesforce = org.connector(credentials=ways(org)[flow], scale=SMALL)
    assert salesforce.check([org.spec], {}).problems == ()
    window = Window(None, salesforce.now())
    pages: list[Page] = []
    for page_ in salesforce.pull(org.spec, window):
        pages.append(page_)
        org.emulator.salesforce.expire_tokens()
    assert {row.id for p in pages for row in p.rows} == ids
    assert salesforce.calls == org.requests()
    org.emulator.salesforce.expire_tokens()
    (receipt,) = salesforce.write("Account", [org.write(next(iter(ids)), "v")])
    assert receipt.kind is ReceiptKind.APPLIED


def test_a_key_that_the_app_does_not_know_signs_nobody_in(org: SalesforceWorld, key: str) -> None:
    org.emulator.salesforce.create_certificate()
    with pytest.raises(AuthFailed, match="certificate"):
        org.connector(credentials=ways(org, key)["jwt"]).fetch(org.spec, [org.absent_id])


def test_an_org_whose_sessions_are_not_for_the_api_is_given_up(org: SalesforceWorld) -> None:
    """F25."""
    org.emulator.salesforce.allow_rest(False)
    salesforce = Retrying(org.connector(), org.clock)
    for _ in range(3):
        with pytest.raises(AuthFailed):
            salesforce.fetch(org.spec, [org.absent_id])
    assert org.paths().count(TOKEN) == 2


def test_readers_side_by_side_renew_a_token_once(org: SalesforceWorld) -> None:
    """F24."""
    for n in range(1_600):
        org.create(f"C{n}")
        if n % 20 == 0:
            org.clock.wait(10)
    salesforce = org.connector(scale=Scale(slices_from=500, slow_from=0, bulk_from=10**9, rows_per_page=200))
    pull = salesforce.pull(org.spec, Window(None, salesforce.now()))
    pages = [next(pull)]
    org.emulator.salesforce.expire_tokens()
    pages += pull
    assert sum(len(p.rows) for p in pages) == 1_600
    assert org.paths().count(TOKEN) == 2


def test_everything_works_over_https_with_an_authority_of_ones_own() -> None:
    with salesforce_world(tls=True) as org:
        id_ = org.create("Acme")
        salesforce = org.connector()
        assert salesforce.check([org.spec], {"Account": [org.stamp]}).problems == ()
        (only,) = salesforce.pull(org.spec, Window(None, salesforce.now()))
        assert [row.id for row in only.rows] == [id_]
        stranger = SalesforceClientCredentials(org.endpoint["base_url"], "id", "secret", emulator=True)
        with pytest.raises(Stop, match=r"not trusted.*`ca_file`"):
            stranger.token()
        stranger.close()


# --- the day's calls


def test_connectors_of_one_org_share_its_day(org: SalesforceWorld) -> None:
    """F28, F29. Two connectors and two threads never make more calls together than one budget gives them."""
    org.emulator.salesforce.set_daily_limit(200)
    budget = salesforce_budget(org.clock, share=0.5, reserve=0.0)
    pair = [org.connector(budget=budget, credentials=StaticToken(org.endpoint["access_token"])) for _ in range(2)]
    pair[0].now()
    stopped: list[type[Exception]] = []

    def work(ask: Callable[[], Any]) -> None:
        try:
            while True:
                ask()
        except QuotaExhausted as error:
            stopped.append(type(error))

    threads = [threading.Thread(target=work, args=(lambda one=one: one.count(org.spec),)) for one in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert stopped == [QuotaExhausted] * 2
    assert pair[0].calls + pair[1].calls == org.requests() == 100


def test_a_pull_ends_between_pages_when_the_day_is_used_up_and_goes_on_the_next(org: SalesforceWorld) -> None:
    """F28. Nothing read is read again, and nothing is left out."""
    ids = {org.create(f"C{n}") for n in range(1_000)}
    salesforce = org.connector(budget=salesforce_budget(org.clock, share=1.0, reserve=0.1), scale=SMALL)
    window = Window(None, salesforce.now())
    pull = salesforce.pull(org.spec, window)
    pages = [next(pull), next(pull)]
    org.emulator.salesforce.burn_quota(95_000)
    with pytest.raises(QuotaExhausted) as caught:
        pages.extend(pull)
    assert 2 <= len(pages) <= 3
    assert caught.value.after is not None
    org.clock.wait(25 * 3600)
    rest = list(salesforce.pull(org.spec, window, pages[-1].position))
    assert {row.id for p in [*pages, *rest] for row in p.rows} == ids
    assert sum(len(p.rows) for p in [*pages, *rest]) == len(ids)


def test_the_customers_other_integrations_keep_their_part_of_the_day(org: SalesforceWorld) -> None:
    """F29. The org's own count says how little is left, whoever used it up."""
    org.emulator.salesforce.set_daily_limit(1_000)
    salesforce = org.connector(budget=salesforce_budget(org.clock, share=0.5, reserve=0.1))
    salesforce.count(org.spec)
    org.emulator.salesforce.burn_quota(850)
    used = org.emulator.salesforce.calls_used()
    with pytest.raises(QuotaExhausted):
        list(map(salesforce.count, [org.spec] * 200))
    assert org.emulator.salesforce.calls_used() - used < 60
