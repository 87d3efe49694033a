"""The god view of the service itself: the index, limits, locks, tokens, webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from syncd.emulator.errors import EmulatorRefusal
from syncd.emulator.hubspot.grants import EVERYTHING, Grant
from syncd.emulator.hubspot.hands import Hands
from syncd.emulator.hubspot.hooks import Manner, Message, body_of
from syncd.emulator.hubspot.limits import DAYS, Policy, Tier
from syncd.emulator.hubspot.sender import check_target, post


class Service(Hands):
    """What HubSpot's machines and the account's contract decide."""

    # --- the search index

    def set_index_lag(self, seconds: float, jitter: float = 0.0, seed: int = 0) -> None:
        """From now on a change is searchable after `seconds` plus up to `jitter` more, so out of order."""
        with self._at_work() as portal:
            portal.index.delay(seconds, jitter, seed)

    def flush_index(self) -> int:
        """Make every change searchable now; returns how many records that concerned."""
        with self._at_work() as portal:
            return portal.index.flush()

    def index_waiting(self, name: str) -> list[str]:
        """Ids of the records that search does not show as they are."""
        with self._at_work() as portal:
            return portal.index.waiting(self._type(name).name)

    # --- limits

    def set_limits(self, tier: Tier | None, packs: int = 0) -> None:
        """`starter`, `professional` (as at the start) or `enterprise`, with up to two capacity packs.

        None: calls are counted and told as before, but none is refused.
        """
        with self._at_work() as portal:
            if tier is not None and tier not in DAYS:
                raise EmulatorRefusal("VALIDATION_ERROR", f"a tier is one of {', '.join(DAYS)}, not {tier!r}")
            portal.limiter.set(tier, packs)

    def burn_quota(self, calls: int, policy: Policy = "DAILY", token: str | None = None) -> None:
        """Use up calls: of the day, of this second's searches, or of ten seconds of the app that a token is for."""
        with self._at_work() as portal:
            portal.limiter.burn(calls, policy, self._grant(token))

    def _grant(self, token: str | None) -> Grant:
        known = self._tokens.valid.get(token or self._tokens.access_token)
        if known is None:
            raise EmulatorRefusal("OBJECT_NOT_FOUND", "no such token")
        return known

    # --- faults of state

    def lock_type(self, name: str, seconds: float) -> None:
        """Lock the records of a type against writes (423 LOCKED) for so long; 0 unlocks."""
        with self._at_work() as portal:
            portal.outages.lock(self._type(name).name, seconds)

    def move_account(self, seconds: float) -> None:
        """Answer every call with 477 MIGRATION_IN_PROGRESS and Retry-After for so long; 0 ends it."""
        with self._at_work() as portal:
            portal.outages.move(seconds)

    # --- tokens

    def add_token(self, name: str, scopes: Iterable[str]) -> str:
        """A private app or service key with exactly these scopes; returns its static token."""
        with self._at_work():
            return self._tokens.add(name, scopes)

    def authorize(self, scopes: Iterable[str] = tuple(EVERYTHING), user: str | None = None) -> str:
        """A person consents to the OAuth app; returns the code that the app exchanges for tokens."""
        with self._at_work():
            return self._tokens.authorize(scopes, self._person(user).id)

    def expire_token(self, token: str) -> bool:
        """Let an access token run out now; False if it is unknown."""
        with self._at_work() as portal:
            return self._tokens.expire(token, portal.clock.now())

    def revoke_token(self, token: str) -> bool:
        """Take an access or refresh token away; False if it is unknown."""
        with self._at_work():
            return self._tokens.revoke(token)

    # --- webhooks

    def subscribe(
        self, url: str, subscription_type: str, property: str | None = None, object_type: str | None = None
    ) -> int:
        """Have events sent to a URL on this machine; returns the subscription's id.

        `deal.creation`, or `object.creation` with `object_type`. Raises EmulatorRefusal for another URL or event.
        """
        check_target(url)
        with self._at_work() as portal:
            subject = subscription_type.partition(".")[0]
            kind = self._type(object_type or "") if subject == "object" else self._type(subject)
            return portal.hooks.subscribe(url, subscription_type, kind, property, True).id

    def unsubscribe(self, id_: int) -> None:
        """End a subscription; what waits for it is still sent."""
        with self._at_work() as portal:
            portal.hooks.subscriptions.pop(id_, None)

    def set_webhooks(
        self, duplicates: float = 0.0, disorder: bool = False, delay: float = 0.0, retry_after: float = 60.0,
        seed: int = 0,
    ) -> None:  # fmt: skip
        """How deliveries misbehave: the part sent twice, order kept or not, seconds to the first try and the second."""
        with self._at_work() as portal:
            portal.hooks.manner = Manner.seeded(duplicates, disorder, delay, retry_after, seed)

    def webhooks_waiting(self) -> int:
        """How many events are still to be sent, now or later."""
        with self._at_work() as portal:
            return portal.hooks.waiting

    def deliver_webhooks(self) -> list[dict[str, Any]]:
        """Send every batch that is due, by real HTTP; returns url, events and status (0: no answer) of each.

        The servers' lock is not held while a receiver works, so that it may call the emulator.
        """
        with self._at_work() as portal:
            batches, timestamp = portal.hooks.take(), int(portal.clock.now().timestamp() * 1000)
        return [self._deliver(batch, timestamp) for batch in batches]

    def _deliver(self, batch: list[Message], timestamp: int) -> dict[str, Any]:
        url, events = batch[0].subscription.url or self._portal.hooks.target, body_of(batch)
        answer = post(url, events, self._tokens.client_secret, timestamp)
        with self._at_work() as portal:
            portal.hooks.settle(batch, answer.status, answer.retry_after)
        return {"url": url, "events": events, "status": answer.status}
