"""What people look at about pairs: keys are counted by accounts; registrations and deals hang on accounts."""

from __future__ import annotations

from syncd.model import Ref, Stream
from syncd.store import graph, pairs
from syncd.store.database import Store
from syncd.store.graph import Staged

from .helpers import ref


def test_a_key_counts_the_accounts_that_are_found_by_it_and_not_those_that_ask_with_it(store: Store) -> None:
    with store.begin() as tx:
        rows = [
            (ref("a"), "direct", {"title": "A"}, ["t:acme", "d:acme.com"]),
            (ref("b"), "filed", {"title": "B"}, ["t:acme"]),
        ]
        graph.put_parsed(tx, rows, "1", {ref("b"): ["t:acme", "l:acme"]})
    with store.read() as tx:
        assert pairs.key_counts(tx, ["t:acme", "d:acme.com", "l:acme", "t:nobody"]) == {"t:acme": 2, "d:acme.com": 1}
        assert pairs.key_counts(tx, []) == {}


def test_registrations_and_opportunities_hang_on_accounts_and_nothing_else_does(store: Store) -> None:
    def staged(id_: str, stream: Stream, parent: Ref | None) -> Staged:
        return Staged(ref(id_), stream, parent, None, "taken", (), 1)

    with store.begin() as tx:
        graph.put_staged(
            tx,
            [
                staged("r1", Stream.REGISTRATIONS, ref("a")),
                staged("r2", Stream.REGISTRATIONS, ref("a")),
                staged("o1", Stream.OPPORTUNITIES, ref("b")),
                staged("o2", Stream.OPPORTUNITIES, None),
                staged("l1", Stream.LEADS, ref("a")),
            ],
        )
    with store.read() as tx:
        assert pairs.hanging(tx) == {ref("a"): 2, ref("b"): 1}
