"""Tokens: fetched once for everybody, and never shown."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from syncd.connectors.credentials import SignedIn, StaticToken
from syncd.connectors.salesforce import SalesforceClientCredentials
from syncd.errors import AuthFailed, Retry

from .stub import Say, Stub

SECRET = "AF36-client-secret"


class Slow(SignedIn):
    """Signs in when it is let."""

    def __init__(self, *, refused: bool = False) -> None:
        super().__init__()
        self.go, self.started, self._refused = threading.Event(), threading.Event(), refused

    def _obtain(self) -> str:
        self.calls += 1
        self.started.set()
        self.go.wait(5)
        if self._refused:
            raise AuthFailed("no")
        return f"token {self.calls}"


def together(count: int, work: Callable[[], str], go: Callable[[], None]) -> list[object]:
    """What each of several threads got, all started before the first could end."""
    got: list[object] = []

    def run() -> None:
        try:
            got.append(work())
        except AuthFailed as error:
            got.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    go()
    for thread in threads:
        thread.join(5)
    return got


def released(slow: Slow) -> Callable[[], None]:
    def go() -> None:
        slow.started.wait(5)
        slow.go.set()

    return go


def test_threads_that_want_a_token_together_cause_one_sign_in() -> None:
    """F24."""
    slow = Slow()
    assert together(8, slow.token, released(slow)) == ["token 1"] * 8
    assert slow.calls == 1


def test_threads_that_meet_the_same_stale_token_renew_it_once() -> None:
    """F24."""
    slow = Slow()
    slow.go.set()
    stale = slow.token()
    assert together(8, lambda: slow.renew(stale), slow.go.set) == ["token 2"] * 8
    assert slow.calls == 2


class WatchedLock:
    """A lock that says when a second one wants it."""

    def __init__(self) -> None:
        self._lock, self._wanted, self.waited_for = threading.Lock(), 0, threading.Event()

    def __enter__(self) -> None:
        self._wanted += 1
        if self._wanted == 2:
            self.waited_for.set()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_refusal_is_shared_by_those_who_waited_for_it_and_may_be_tried_again_later() -> None:
    slow, lock = Slow(refused=True), WatchedLock()
    slow._lock = lock  # type: ignore[assignment]

    def go() -> None:
        lock.waited_for.wait(5)
        slow.go.set()

    assert [type(got) for got in together(2, slow.token, go)] == [AuthFailed, AuthFailed]
    assert slow.calls == 1
    with pytest.raises(AuthFailed):
        slow.token()
    assert slow.calls == 2


@pytest.mark.parametrize(
    ("say", "error", "words"),
    [
        (
            Say(400, {"error": "invalid_grant", "error_description": "authentication failure"}),
            AuthFailed,
            "run-as user",
        ),
        (Say(400, {"error": "invalid_client"}), AuthFailed, "client secret is wrong"),
        (Say(401, b"<html>"), AuthFailed, "HTTP 401"),
        (Say(200, {"access_token": "a b"}), AuthFailed, "refused"),
        (Say(200, {"access_token": 7}), AuthFailed, "refused"),
        (Say(200, b"<html>"), AuthFailed, "refused"),
        (Say(503, b"<html>"), Retry, "503"),
        (Say(mute=True), Retry, "lost"),
        (Say(body={"access_token": "t", "instance_url": "https://new.my.salesforce.com"}), AuthFailed, "My Domain"),
    ],
)
def test_a_refused_sign_in_says_why_and_what_to_do(stub: Stub, say: Say, error: type[Exception], words: str) -> None:
    stub.on("POST /services/oauth2/token", say)
    credentials = SalesforceClientCredentials(stub.url, "id", SECRET, emulator=True)
    with pytest.raises(error, match=words) as caught:
        credentials.token()
    for text in (str(caught.value), repr(caught.value), repr(credentials)):
        assert SECRET not in text
        assert "access_token" not in text
    assert credentials.calls == len(stub.asked) == 1


def test_the_secret_goes_into_the_body_only(stub: Stub) -> None:
    stub.on("POST /services/oauth2/token", Say(body={"access_token": "t", "instance_url": stub.url}))
    assert SalesforceClientCredentials(stub.url, "id", SECRET, emulator=True).token() == "t"
    (asked,) = stub.asked
    assert SECRET in asked.body
    assert SECRET not in f"{asked.path} {asked.headers}"


def test_a_static_token_cannot_be_renewed_or_seen() -> None:
    token = StaticToken("pat-na1-secret")
    assert token.token() == "pat-na1-secret"
    assert "secret" not in repr(token)
    with pytest.raises(AuthFailed):
        token.renew("pat-na1-secret")
