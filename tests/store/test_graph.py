"""The graph: organizations keep their ids through merges and splits; only what differs is touched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from syncd.model import Band, Evidence, Judgement, Link, Ref, Stream
from syncd.store import graph
from syncd.store.database import Store
from syncd.store.graph import Staged
from syncd.store.tables import dirty, edge, link, match_key, member, organization, organization_alias, parsed, unlinked

from .helpers import at, ref, table_rows


def group(*ids: str) -> frozenset[Ref]:
    return frozenset(ref(id_) for id_ in ids)


def assign(
    store: Store, *groups: Iterable[str], aliases: dict[Ref, Ref] | None = None, filed: str = "", minutes: float = 0
) -> dict[str, int]:
    """The organization of each record; those in `filed` are not wanted as anchors."""
    members = [group(*ids) for ids in groups]
    first = {one: int(one.id in filed) for some in members for one in some}
    with store.begin() as tx:
        found = graph.assign_organizations(tx, members, first, aliases or {}, at(minutes))
    return {one.id: number for one, number in found.items()}


def alias_rows(store: Store) -> dict[int, tuple[int, str]]:
    return {row[0]: (row[1], row[2]) for row in table_rows(store, organization_alias)}


# --- organizations ---------------------------------------------------------------------------------------------------


def test_an_organization_is_minted_once_and_anchored_on_a_direct_account(store: Store) -> None:
    assert assign(store, "ab", "c", filed="a") == {"a": 1, "b": 1, "c": 2}
    assert [row[3] for row in table_rows(store, organization)] == ["b", "c"]
    assert assign(store, "ab", "c", filed="a") == {"a": 1, "b": 1, "c": 2}
    assert len(table_rows(store, organization)) == 2


def test_the_id_stays_while_records_come_and_go(store: Store) -> None:
    assign(store, "ab")
    assert assign(store, "acd") == {"a": 1, "c": 1, "d": 1}
    assert assign(store, "a", "bcd") == {"a": 1, "b": 2, "c": 2, "d": 2}


def test_when_two_meet_the_older_id_stays_and_the_other_becomes_its_alias(store: Store) -> None:
    assign(store, "a", "b", "c")
    assert assign(store, "cba") == {"a": 1, "b": 1, "c": 1}
    assert alias_rows(store) == {2: (1, "merged"), 3: (1, "merged")}


def test_a_split_gives_each_part_the_id_it_had_and_back_again(store: Store) -> None:
    assign(store, "a", "b")
    for _ in range(2):
        assert assign(store, "ab") == {"a": 1, "b": 1}
        assert alias_rows(store) == {2: (1, "merged")}
        assert assign(store, "a", "b") == {"a": 1, "b": 2}
        assert alias_rows(store) == {2: (2, "split")}
    assert len(table_rows(store, organization)) == 2


def test_an_anchor_that_was_merged_into_another_record_keeps_the_id(store: Store) -> None:
    assign(store, "ax")
    assert assign(store, "bx", aliases={ref("a"): ref("b")}) == {"b": 1, "x": 1}
    assert len(table_rows(store, organization)) == 1


def test_two_anchors_that_were_merged_into_one_record_are_one_organization(store: Store) -> None:
    assign(store, "ax", "by")
    merged = {ref("a"): ref("c"), ref("b"): ref("c")}
    assert assign(store, "cxy", aliases=merged) == {"c": 1, "x": 1, "y": 1}
    assert alias_rows(store) == {2: (1, "merged")}


def test_a_new_organization_remembers_which_one_it_was_split_from(store: Store) -> None:
    put_members(store, assign(store, "abc"))
    assert assign(store, "a", "bc") == {"a": 1, "b": 2, "c": 2}
    assert [(row[0], row[5]) for row in table_rows(store, organization)] == [(1, None), (2, 1)]


def test_of_two_that_meet_the_confirmed_one_stays_then_the_larger_one_then_the_older_one(store: Store) -> None:
    put_members(store, assign(store, "a", "bcd", "ef"))
    with store.begin() as tx:
        confirmed = {ref("e"): 1}
        found = graph.assign_organizations(tx, [group(*"abcdef")], {}, {}, at(1), confirmed)
        assert set(found.values()) == {3}, "people have looked at it"
        tx.rollback()
    assert set(assign(store, "abcdef").values()) == {2}, "most records"
    put_members(store, dict.fromkeys("abcdef", 2))
    assert set(assign(store, "abcdefg").values()) == {2}, "what was merged stays merged into the same one"


def test_an_account_of_the_crm_keeps_its_id_when_a_filed_company_turns_out_to_be_it(store: Store) -> None:
    put_members(store, assign(store, "f", filed="f") | assign(store, "a"))
    assert set(assign(store, "af", filed="f").values()) == {2}


PARTITIONS = st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=5)


@given(PARTITIONS)
def test_whatever_meets_and_parts_an_id_follows_its_anchor_and_facts_alone_reproduce_it(
    sqlite_url: str, history: list[list[int]]
) -> None:
    store = Store(sqlite_url)
    with store.begin() as tx:
        for table in (organization, organization_alias):
            tx.execute(table.delete())
    for labels in history:
        groups = [[id_ for id_, has in zip("abcde", labels, strict=True) if has == label] for label in set(labels)]
        found = assign(store, *groups)
        anchors = {row[3]: row[0] for row in table_rows(store, organization)}
        assert len(set(found.values())) == len(groups), "one organization for each group"
        for ids in groups:
            assert found[ids[0]] == min(anchors[id_] for id_ in ids if id_ in anchors)
        minted = table_rows(store, organization)
        assert assign(store, *groups) == found
        assert table_rows(store, organization) == minted
    store.close()


# --- links and members ------------------------------------------------------------------------------------------------

EVIDENCE = (Evidence("same_domain", 5.25, "Both use acme.example"), Evidence("same_city", 0.1, "Both lie in Zoë"))


def linked(left: str, right: str, score: float = 0.99, judgement: Judgement | None = None) -> Link:
    return Link(ref(left, connection="prm"), ref(right), score, 7.123456789, Band.AUTO, EVIDENCE, judgement)


def put_links(store: Store, *links: Link) -> tuple[int, set[str]]:
    with store.begin() as tx:
        count, touched = graph.put_links(tx, links)
    return count, {one.id for one in touched}


def test_links_come_back_as_they_were_put(store: Store) -> None:
    two = [linked("p", "a"), linked("p", "b", 0.5, Judgement.UNSURE)]
    assert put_links(store, *two) == (2, {"p", "a", "b"})
    with store.read() as tx:
        assert graph.all_links(tx) == two
        assert graph.links_of(tx, [ref("b")]) == [two[1]]
        assert graph.links_of(tx, [ref("p", connection="prm")]) == two


def test_only_links_that_differ_are_touched(store: Store) -> None:
    kept, changed, gone = linked("p", "a"), linked("q", "b"), linked("r", "c")
    put_links(store, kept, changed, gone)
    statements = []
    sa.event.listen(store._writing, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert put_links(store, kept, changed, gone) == (0, set())
    assert not [s for s in statements if s.startswith(("INSERT", "DELETE", "UPDATE"))], "nothing differs"
    again = put_links(store, kept, replace(changed, judgement=Judgement.SAME), linked("s", "d"))
    assert again == (3, {"q", "b", "r", "c", "s", "d"})
    assert len(table_rows(store, link)) == 3


def put_members(store: Store, members: dict[str, int]) -> set[int]:
    with store.begin() as tx:
        return graph.put_members(tx, {ref(id_): number for id_, number in members.items()})


def test_only_members_that_moved_are_touched_and_both_organizations_are_told(store: Store) -> None:
    assert put_members(store, {"a": 1, "b": 1, "c": 2}) == {1, 2}
    statements = []
    sa.event.listen(store._writing, "before_cursor_execute", lambda *call: statements.append(call[2]))
    assert put_members(store, {"a": 1, "b": 1, "c": 2}) == set()
    assert not [s for s in statements if s.startswith(("INSERT", "DELETE", "UPDATE"))]
    assert put_members(store, {"a": 1, "b": 3}) == {1, 2, 3}
    assert {row[2]: row[3] for row in table_rows(store, member)} == {"a": 1, "b": 3}
    with store.read() as tx:
        assert graph.members_of(tx, 3) == [ref("b")]
        assert graph.organizations_of(tx, [ref("a"), ref("b"), ref("z")]) == {1, 3}


# --- what matching made ----------------------------------------------------------------------------------------------


def put_parsed(store: Store, *rows: tuple[str, str, dict[str, object], tuple[str, ...]]) -> list[str]:
    with store.begin() as tx:
        made = graph.put_parsed(tx, [(ref(id_), role, content, keys) for id_, role, content, keys in rows], "1")
    return sorted(one.id for one in made)


def test_only_accounts_that_parse_to_something_else_are_linked_again(store: Store) -> None:
    one, other = ("a", "direct", {"name": ["acme"]}, ("n:acme",)), ("b", "filed", {"name": ["acme"]}, ("n:acme", "d:x"))
    assert put_parsed(store, one, other) == ["a", "b"]
    assert put_parsed(store, one, other) == []
    assert put_parsed(store, one, ("b", "filed", {"name": ["apex"]}, ("n:apex",))) == ["b"]
    with store.read() as tx:
        assert graph.count_parsed(tx) == 2
        assert graph.roles(tx) == {ref("a"): "direct", ref("b"): "filed"}
        assert graph.postings(tx, "direct", ["n:acme", "d:x"], 5) == {"n:acme": [ref("a")]}
        assert graph.postings(tx, "filed", ["n:acme", "n:apex"], 5) == {"n:apex": [ref("b")]}
    assert put_parsed(store, ("b", "direct", {"name": ["apex"]}, ("n:apex",))) == ["b"], "another role is a change"


def test_keys_that_too_many_share_find_nobody(store: Store) -> None:
    put_parsed(store, *((id_, "direct", {"n": id_}, ("common", f"rare{id_}")) for id_ in "abc"))
    with store.read() as tx:
        assert set(graph.postings(tx, "direct", ["common", "rarea"], 2)) == {"rarea"}
        assert len(graph.postings(tx, "direct", ["common"], 3)["common"]) == 3


def test_an_account_that_is_gone_leaves_only_the_edges_by_which_its_neighbours_are_found(store: Store) -> None:
    put_parsed(store, ("a", "direct", {}, ("k",)), ("b", "filed", {}, ("k",)))
    with store.begin() as tx:
        graph.put_edges(tx, [ref("a")], [(ref("a"), ref("b"), 3.5, [["same_name", 3.5, "Same"]])])
        assert graph.get_edges(tx) == [(ref("a"), ref("b"), 3.5, [["same_name", 3.5, "Same"]])]
        graph.drop_parsed(tx, [ref("b")])
    assert [len(table_rows(store, table)) for table in (parsed, match_key, edge)] == [1, 1, 1]


def test_the_edges_of_a_record_are_replaced_on_whichever_side_it_is(store: Store) -> None:
    a, b, c = ref("a"), ref("b"), ref("c")
    with store.begin() as tx:
        graph.put_edges(tx, [a, b, c], [(a, b, 1.0, []), (b, c, 2.0, []), (a, c, 3.0, [])])
        graph.put_edges(tx, [b], [(a, b, 9.0, [])])
        assert sorted((x.id, y.id, points) for x, y, points, _ in graph.get_edges(tx)) == [
            ("a", "b", 9.0),
            ("a", "c", 3.0),
        ]


# --- staged records and what is still to be done ----------------------------------------------------------------------


def staged(id_: str, stream: Stream = Stream.OPPORTUNITIES, parent: str | None = "a", **about: object) -> Staged:
    known: dict[str, object] = {"key": None, "state": "taken", "problems": (), "change": 1, **about}
    return Staged(ref(id_), stream, ref(parent) if parent else None, **known)  # type: ignore[arg-type]


def test_staged_records_are_found_by_what_they_hang_on_and_by_their_key(store: Store) -> None:
    partner = staged("p", Stream.PARTNERS, None, key="P01")
    with store.begin() as tx:
        graph.put_staged(tx, [staged("o1"), staged("o2", parent="b"), partner])
        graph.put_staged(tx, [staged("o2", parent="c", change=2)])
        assert graph.hanging_on(tx, Stream.OPPORTUNITIES, [ref("a"), ref("b"), ref("c")]) == {
            ref("o1"): ref("a"), ref("o2"): ref("c"),
        }  # fmt: skip
        assert graph.hanging_on(tx, Stream.REGISTRATIONS, [ref("a")]) == {}
        assert graph.keyed(tx, Stream.PARTNERS, ["P01", "P02"]) == {"P01": [ref("p")]}
        graph.drop_staged(tx, [ref("o1")])
        assert set(graph.get_staged(tx, [ref("o1"), ref("p")])) == {ref("p")}


def test_whatever_is_wrong_with_a_record_is_listed(store: Store) -> None:
    bad = staged("o2", problems=({"field": "value", "message": "is not a number"},))
    with store.begin() as tx:
        graph.put_staged(tx, [staged("o1"), bad, staged("o3", state="unreadable")])
        assert [item.ref.id for item in graph.problems(tx)] == ["o2", "o3"]
        assert graph.problems(tx)[0] == bad


def test_marks_are_set_once_and_taken_away_again(store: Store) -> None:
    with store.begin() as tx:
        for _ in range(2):
            graph.mark_dirty(tx, [3, 1, 3])
            graph.mark_unplanned(tx, [ref("b"), ref("a"), ref("a")])
            graph.mark_unlinked(tx, [ref("a"), ref("b"), ref("b")])
        assert graph.dirty_organizations(tx) == [1, 3]
        assert graph.unplanned_refs(tx) == graph.unlinked_refs(tx) == [ref("a"), ref("b")]
        graph.mark_clean(tx, [3])
        graph.mark_planned(tx, [ref("a")])
        graph.mark_linked(tx, [ref("a"), ref("b")])
        assert (graph.dirty_organizations(tx), graph.unplanned_refs(tx)) == ([1], [ref("b")])
    assert table_rows(store, unlinked) == []
    assert table_rows(store, dirty) == [(1,)]


def test_progress_is_remembered_by_name(store: Store) -> None:
    with store.begin() as tx:
        assert graph.get_progress(tx, "staged") == (0, "")
        graph.set_progress(tx, "staged", 5, "v1")
        graph.set_progress(tx, "staged", 9, "v2")
        assert graph.get_progress(tx, "staged") == (9, "v2")
        assert graph.get_progress(tx, "linked") == (0, "")


def test_more_records_than_one_statement_can_name_are_no_trouble(store: Store) -> None:
    many = [ref(f"a{n}") for n in range(5_001)]
    with store.begin() as tx:
        graph.mark_unplanned(tx, many)
        graph.mark_planned(tx, many)
        assert graph.unplanned_refs(tx) == []
