"""A described API as it is met: ways of signing in, paging and writing, links that lead away, and refusals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from syncd.connectors.budget import Unlimited
from syncd.connectors.rest.client import RestConnector, budget_of
from syncd.connectors.rest.description import Description
from syncd.connectors.rest.filling import filled, path
from syncd.connectors.wrappers import Retrying
from syncd.errors import AuthFailed, IncompleteRead, QuotaExhausted, Retry, Stop, UserError
from syncd.model import Edition, ReadSpec, ReceiptKind, Ref, Stream, Upsert, Window, Write, WriteGroup
from syncd.settings import Basic, ClientCredentials, HeaderKey, Identifier, Secret, Token

from .contract import rows_of
from .prm import CLIENT, KEY, PASSWORD, TOKEN, USER, Fault, PrmServer
from .prm import SECRET as APP_SECRET
from .stub import Say, Stub
from .worlds import SECRET, START, FakeClock
from .worlds_rest import RestWorld, described, description, rest_world

TOKEN_AUTH = Token(flow="token", token=Secret("${env:T}", TOKEN))


@pytest.fixture
def world(prm_server: PrmServer) -> Iterator[RestWorld]:
    with rest_world(prm_server) as made:
        yield made


def everything(world: RestWorld, about: Description, **options: Any) -> list[Any]:
    connector = world.connector(about=about, **options)
    return list(connector.pull(world.spec, Window(None, connector.now())))


# --- signing in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "header"),
    [
        (Basic(flow="basic", username=Identifier(USER), password=Secret("${env:P}", PASSWORD)), "authorization"),
        (HeaderKey(flow="header", header="X-Api-Key", key=Secret("${env:K}", KEY)), "x-api-key"),
        (TOKEN_AUTH, "authorization"),
    ],
)
def test_each_way_of_signing_in_is_sent_in_its_own_header_and_shown_nowhere(
    world: RestWorld, auth: Any, header: str
) -> None:
    id_ = world.create("Acme")
    connector = world.connector(auth=auth)
    assert [row.id for row in connector.fetch(world.spec, [id_])] == [id_]
    assert {"authorization", "x-api-key"} & set(world.prm.headers[-1]) == {header}
    shown = " ".join([repr(connector), *(repr(value) for value in vars(connector).values())])
    assert not any(secret in shown for secret in (TOKEN, KEY, PASSWORD))


def client(secret: str = APP_SECRET) -> ClientCredentials:
    return ClientCredentials(
        flow="client_credentials", client_id=Identifier(CLIENT), client_secret=Secret("${env:S}", secret)
    )


def test_client_credentials_are_renewed_early_and_once_when_they_are_refused(world: RestWorld) -> None:
    """F23, F25. Each call takes the present token; a refusal brings one sign-in and the same call once more."""
    id_ = world.create("Acme")
    connector = world.connector(auth=client())
    connector.fetch(world.spec, [id_])
    connector.fetch(world.spec, [id_])
    tokens = [p for _, p in world.prm.requests if p == "/oauth/token"]
    assert len(tokens) == 1
    world.clock.wait(3000)
    connector.fetch(world.spec, [id_])
    assert len([p for _, p in world.prm.requests if p == "/oauth/token"]) == 2
    world.prm.tokens.clear()
    assert [row.id for row in connector.fetch(world.spec, [id_])] == [id_]
    assert connector.calls == len(world.prm.requests)


def test_a_wrong_client_is_auth_failed_and_its_secret_shown_nowhere(world: RestWorld) -> None:
    connector = world.connector(auth=client(SECRET))
    with pytest.raises(AuthFailed) as caught:
        connector.now()
    assert SECRET not in str(caught.value)
    about = description("page", ("token: {path: /oauth/token}\n", ""))
    with pytest.raises(UserError, match="needs `token"):
        world.connector(auth=client(), about=about)


# --- where it leads -------------------------------------------------------------------------------------------------


def test_a_redirect_is_not_followed(world: RestWorld, stub: Stub) -> None:
    """The credentials would go with it."""
    world.create("Acme")
    world.prm.faults.append(Fault("GET", "/api/companies", 302, {}, headers={"Location": f"{stub.url}/steal"}))
    with pytest.raises(Stop, match="HTTP 302"):
        everything(world, description())
    assert stub.asked == []


@pytest.mark.parametrize("paging", ["link", "header"])
def test_a_next_link_to_another_host_is_not_followed(world: RestWorld, stub: Stub, paging: str) -> None:
    world.create("Acme")
    link = f"{stub.url}/steal"
    body = {"data": [], "links": {"next": link}, "meta": {"total": 5}}
    world.prm.faults.append(Fault("GET", "/api/companies", 200, body, headers={"Link": f'<{link}>; rel="next"'}))
    with pytest.raises(Stop, match="another host"):
        everything(world, description(paging))
    assert stub.asked == []


def test_https_is_needed_except_on_this_machine_and_one_host_is_all_that_is_asked() -> None:
    for url, words in (("http://prm.example.com", "https"), ("https://prm.example.com/x", "nothing else")):
        with pytest.raises(UserError, match=words):
            RestConnector(url, description(), TOKEN_AUTH, FakeClock())
    with pytest.raises(UserError, match="this machine only"):
        RestConnector("https://prm.example.com", description(), TOKEN_AUTH, FakeClock(), emulator=True)
    RestConnector("https://prm.example.com", description(), TOKEN_AUTH, FakeClock()).close()


def test_what_is_filled_into_an_address_cannot_leave_its_place(world: RestWorld) -> None:
    nasty = "../me?x=1#/ä&limit=0"
    id_ = world.create("Acme")
    world.prm.companies[nasty] = {**world.prm.companies.pop(id_), "id": nasty}
    spec = ReadSpec(Stream.ACCOUNTS, "Company", ("name",), where={"name": ("a&b=c", "Acme")})
    connector = world.connector()
    assert connector.fetch(spec, [nasty]) == []  # a server may refuse an encoded slash; it was asked for nothing else
    assert world.prm.requests[-1][1].startswith("/api/companies/")
    list(connector.pull(spec, Window(None, connector.now())))
    assert parse_qs(urlsplit(world.prm.requests[-1][1]).query)["name"] == ["a&b=c", "Acme"]
    assert path("/d/{id}", {"id": "a/b?c"}) == "/d/a%2Fb%3Fc"


def test_bodies_are_filled_by_plain_substitution() -> None:
    values = {"id": "1", "fields": {"a": 1, "b": None}, "key": "{id} {fields}"}
    template = {"x": "{fields}", "y": ["{id}", "no {id} yet", "{fields.a}", "{nope}"], "{id}": "{key}", "n": 7}
    assert filled(template, values) == {
        "x": {"a": 1, "b": None}, "y": ["1", "no 1 yet", 1, None], "1": "{id} {fields}", "n": 7,
    }  # fmt: skip
    assert filled("{id.__class__} {0} %s", {"id": "1"}) == " {0} %s"


# --- reading --------------------------------------------------------------------------------------------------------

NO_TOTAL = ("      total: meta.total\n", "")


@pytest.mark.parametrize(("ends", "pages"), [("", 4), (", ends: short", 3)])
def test_without_a_total_a_list_ends_where_its_paging_ends(world: RestWorld, ends: str, pages: int) -> None:
    """F11. Then nothing is expected, and `check` does not say that the list is counted."""
    ids = {world.create(f"C{n}") for n in range(250)}
    about = description("page", NO_TOTAL, ("size: 100}", f"size: 100{ends}}}"))
    found = everything(world, about)
    assert (set(rows_of(found)), len(found)) == (ids, pages)
    assert {page.expected for page in found} == {None}
    assert world.connector(about=about).check([world.spec], {}).facts["counted"] == []
    assert world.connector().check([world.spec], {}).facts["counted"] == ["Company"]


def test_a_server_that_gives_smaller_pages_than_asked_for_loses_nothing(world: RestWorld) -> None:
    """F11. A short page is the last one only where nothing says otherwise."""
    ids = {world.create(f"C{n}") for n in range(250)}
    for edits in ([], [NO_TOTAL]):
        about = description("page", *edits, ("size: 100}", "size: 500}"))
        assert set(rows_of(everything(world, about))) == ids


@pytest.mark.parametrize(
    ("paging", "body"),
    [
        ("page", {"data": [{"id": "c-1", "updated_at": "2026-11-23T09:00:00Z"}], "meta": {"total": 9}}),
        ("cursor", {"data": [{"id": "c-1", "updated_at": "2026-11-23T09:00:00Z"}], "meta": {"next": "c-1"}}),
        ("cursor", {"data": [], "meta": {"next": "c-1"}}),
        ("link", {"data": [], "links": {"next": "/api/companies/link"}}),
    ],
)
def test_a_page_that_leads_to_itself_is_no_endless_loop(world: RestWorld, paging: str, body: Any) -> None:
    """F07, F13."""
    world.prm.faults += [Fault("GET", "/api/companies", 200, body) for _ in range(5)]
    with pytest.raises(IncompleteRead, match=r"same page again|no new page"):
        everything(world, description(paging))


def test_changes_are_asked_for_a_second_earlier_and_what_is_too_old_or_too_new_is_left_out(world: RestWorld) -> None:
    """F01, F43. Some APIs give what is newer than a time, and not what is as old."""
    ids = []
    for n in range(4):
        ids.append(world.create(f"C{n}"))
        world.clock.wait(1)
    connector = world.connector()
    (page,) = connector.pull(world.spec, Window(START + timedelta(seconds=1), START + timedelta(seconds=2)))
    assert ([row.id for row in page.rows], page.expected) == (ids[1:3], 2)
    query = parse_qs(urlsplit(world.prm.requests[-1][1]).query)
    assert query["modified_since"] == ["2026-11-23T09:00:00Z"]


def test_an_api_that_cannot_be_asked_for_changes_is_read_whole_and_filtered_here(world: RestWorld) -> None:
    world.create("old")
    world.clock.wait(60)
    new = world.create("new")
    about = description("page", ("      since: {param: modified_since}\n", ""), ("      where: {name: name}\n", ""))
    spec = ReadSpec(Stream.ACCOUNTS, "Company", ("name",), where={"name": ("new",)})
    connector = world.connector(about=about)
    (page,) = connector.pull(spec, Window(START + timedelta(seconds=30), world.clock.now()))
    assert ([row.id for row in page.rows], page.expected) == ([new], 1)
    assert not {"modified_since", "name"} & set(parse_qs(urlsplit(world.prm.requests[-1][1]).query))
    assert connector.count(ReadSpec(Stream.ACCOUNTS, "Company", ("name",))) == 2


def test_without_a_stamp_every_pull_shows_everything(world: RestWorld) -> None:
    id_ = world.create("Acme")
    world.clock.wait(3600)
    edits = ("    stamp: {field: updated_at}\n", ""), ("      since: {param: modified_since}\n", "")
    connector = world.connector(about=description("page", *edits))
    upper = connector.now()
    (page,) = connector.pull(world.spec, Window(upper - timedelta(seconds=5), upper))
    assert [(row.id, row.stamp) for row in page.rows] == [(id_, upper)]


@pytest.mark.parametrize(
    ("format", "said"),
    [
        ("{field: at, format: epoch}", 1782893700),
        ("{field: at, format: epoch_ms}", "1782893700000"),
        ("{field: at}", "2026-07-01T08:15:00Z"),
        ("{field: at, zone: Europe/London}", "2026-07-01 09:15:00"),
    ],
)
def test_stamps_are_read_as_described(world: RestWorld, format: str, said: Any) -> None:
    """F37, F56."""
    id_ = world.prm.add(info={"name": "Acme"}, at=said)
    about = description("page", ("{field: updated_at}", format))
    (row,) = world.connector(about=about).fetch(world.spec, [id_])
    assert row.stamp == datetime(2026, 7, 1, 8, 15, tzinfo=UTC)


def test_a_malformed_record_is_kept_apart(world: RestWorld) -> None:
    good = world.create("good")
    world.prm.add(updated_at="soon")
    world.prm.companies["c-x"] = {"id": None, "updated_at": world.prm.stamp(), "archived": False}
    (page,) = everything(world, description())
    assert [row.id for row in page.rows] == [good]
    assert sorted(id_ for id_, _ in page.unreadable) == ["?", "c-000002"]


def test_several_records_are_read_in_one_call_where_the_api_can(stub: Stub) -> None:
    about = described("""
name: Other
objects:
  Deal:
    list: {path: /deals, items: data, paging: {style: none}}
    read_many: {path: /deals/some, param: ids, separator: "|", most: 2, items: data}
    fields: [name]
""")
    stub.on("GET /deals/some", *(Say(body={"data": [{"id": n, "name": f"N{n}"}, {"id": 99}]}) for n in (1, 3)))
    connector = RestConnector(stub.url, about, TOKEN_AUTH, FakeClock(), emulator=True)
    rows = connector.fetch(ReadSpec(Stream.ACCOUNTS, "Deal", ("name",)), ["1", "2", "3"])
    assert [(row.id, row.fields) for row in rows] == [("1", {"name": "N1"}), ("3", {"name": "N3"})]
    assert [asked.path for asked in stub.asked] == ["/deals/some?ids=1%7C2", "/deals/some?ids=3"]
    connector.close()


def test_a_record_that_is_gone_for_good_is_deleted_and_one_that_was_never_there_unknown(world: RestWorld) -> None:
    world.prm.faults.append(Fault("GET", "/api/companies/gone", 410, {}))
    rows = world.connector().fetch(world.spec, ["gone", "never"])
    assert [(row.id, row.deleted) for row in rows] == [("gone", True)]


def test_an_error_page_and_a_list_that_is_none_are_no_empty_list(world: RestWorld) -> None:
    """F10, F31, F65."""
    world.prm.faults.append(Fault("GET", "/api/companies", 200, {"data": None, "meta": {}}))
    with pytest.raises(IncompleteRead, match="correct `items`"):
        everything(world, description())


# --- writing --------------------------------------------------------------------------------------------------------

SINGLE = (
    '      method: POST\n      path: /api/companies/batch\n      most: 50\n      body: {updates: "{rows}"}\n'
    '      row: {id: "{id}", values: "{fields}"}\n      results: results\n',
    '      method: PATCH\n      path: "/api/companies/{id}"\n',
)


def test_records_are_changed_one_by_one_where_that_is_how_it_is_described(world: RestWorld) -> None:
    """F69. A refusal is the record's own, with the API's code and words."""
    ids = [world.create(f"C{n}") for n in range(3)]
    connector = world.connector(about=description("page", SINGLE))
    assert connector.facts.write_batch == 1
    writes = [world.write(ids[0], "v", 0), world.write(ids[1], "forbidden", 1, "region"), world.write(ids[2], None, 2)]
    receipts = connector.write("Company", writes)
    assert [(r.kind, r.code, r.message) for r in receipts] == [
        (ReceiptKind.APPLIED, "", ""), (ReceiptKind.FAILED, "invalid_region", "No."), (ReceiptKind.APPLIED, "", ""),
    ]  # fmt: skip
    assert world.prm.bodies == [{"syncd": "v"}, {"region": "forbidden"}, {"syncd": None}]


def test_a_field_goes_under_its_own_name_and_is_emptied_as_described(world: RestWorld) -> None:
    """F46, F66."""
    id_ = world.create("Acme")
    about = description("page", SINGLE, ("write: [syncd, region]", "write: {syncd: custom_syncd}"))
    text = described_update(about, cleared="")
    world.connector(about=text).write("Company", [world.write(id_, None)])
    assert world.prm.bodies == [{"custom_syncd": ""}]


def described_update(about: Description, **changes: Any) -> Description:
    company = about.objects["Company"]
    assert company.update is not None
    changed = company.model_copy(update={"update": company.update.model_copy(update=changes)})
    return about.model_copy(update={"objects": {"Company": changed}})


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (429, [ReceiptKind.APPLIED, ReceiptKind.RETRY, ReceiptKind.RETRY]),
        (503, [ReceiptKind.APPLIED, ReceiptKind.UNKNOWN, ReceiptKind.RETRY]),
        (0, [ReceiptKind.APPLIED, ReceiptKind.UNKNOWN, ReceiptKind.RETRY]),
    ],
)
def test_a_call_that_breaks_in_the_middle_hides_nothing_that_was_done(
    world: RestWorld, status: int, kinds: list[ReceiptKind]
) -> None:
    """F50, F58, F60. Not now is surely not done; no answer is unknown; the rest was not sent."""
    ids = [world.create(f"C{n}") for n in range(3)]
    connector = Retrying(world.connector(about=description("page", SINGLE)), world.clock)
    world.prm.faults.append(Fault("PATCH", "/api/companies", status, {}, skip=1))
    receipts = connector.write("Company", [world.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert [receipt.kind for receipt in receipts] == kinds
    assert len([method for method, _ in world.prm.requests if method == "PATCH"]) == 2


def test_a_batch_that_is_refused_as_a_whole_is_divided_until_the_row_is_found(world: RestWorld) -> None:
    """F62."""
    ids = [world.create(f"C{n}") for n in range(8)]
    bad = world.prm.poisoned = ids[5]
    receipts = world.connector().write("Company", [world.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert [r.write_id for r in receipts if r.kind is ReceiptKind.FAILED] == [5]
    assert receipts[5].code == "bad_batch"
    assert [world.shown(id_) for id_ in ids if id_ != bad] == ["v"] * 7


def test_a_record_that_the_outcome_does_not_mention_is_unknown(world: RestWorld) -> None:
    """F61, F63, F65. By id, never by place."""
    ids = [world.create(f"C{n}") for n in range(3)]
    body = {"results": [{"id": ids[2], "error": None}, {"id": ids[0], "error": "locked", "message": "Later."}, "?"]}
    world.prm.faults.append(Fault("POST", "/api/companies/batch", 207, body))
    receipts = world.connector().write("Company", [world.write(id_, "v", n) for n, id_ in enumerate(ids)])
    assert [receipt.kind for receipt in receipts] == [ReceiptKind.FAILED, ReceiptKind.UNKNOWN, ReceiptKind.APPLIED]
    assert (receipts[0].code, receipts[0].message) == ("locked", "Later.")


def test_only_what_the_description_lets_be_written_is_sent(world: RestWorld) -> None:
    id_ = world.create("Acme")
    (receipt,) = world.connector().write("Company", [world.write(id_, "x", field="external_id")])
    assert (receipt.kind, receipt.code) == (ReceiptKind.FAILED, "not_writable")
    assert world.prm.bodies == []
    about = described_update(description(), most=1)
    company = about.objects["Company"].model_copy(update={"update": None, "upsert": None})
    connector = world.connector(about=about.model_copy(update={"objects": {"Company": company}}))
    with pytest.raises(UserError, match="read-only"):
        connector.write("Company", [world.write(id_, "v")])
    with pytest.raises(UserError, match="makes no Company"):
        connector.upsert("Company", "external_id", [Upsert(1, "k", {})])
    checked = connector.check([world.spec], {"Company": ["syncd"]})
    assert (checked.edition, connector.facts.upserts) == (Edition.STAMPS_ONLY, False)
    assert [problem for problem in checked.problems if "read-only" in problem]


# --- limits, check --------------------------------------------------------------------------------------------------


def test_only_a_share_of_the_described_limits_is_used(world: RestWorld) -> None:
    """F28, F29."""
    about = description("page", ("objects:", "limits: {per_minute: 10, daily: 50}\nobjects:"))
    connector = world.connector(about=about, budget=budget_of(about, world.clock, share=0.5))
    id_ = world.create("Acme")
    for _ in range(5):
        connector.fetch(world.spec, [id_])
    assert world.clock.waited == []
    connector.fetch(world.spec, [id_])
    assert sum(world.clock.waited) >= 50
    for _ in range(19):
        connector.fetch(world.spec, [id_])
    with pytest.raises(QuotaExhausted):
        connector.fetch(world.spec, [id_])
    assert len(world.prm.requests) == 25
    assert isinstance(budget_of(description(), world.clock, share=0.5), Unlimited)


def test_a_wait_that_the_api_asks_for_is_kept(world: RestWorld) -> None:
    """F50, F51."""
    id_ = world.create("Acme")
    connector = Retrying(world.connector(), world.clock)
    world.prm.faults.append(Fault("GET", "/api/companies", 429, {}, headers={"Retry-After": "17"}))
    assert [row.id for row in connector.fetch(world.spec, [id_])] == [id_]
    assert sum(world.clock.waited) >= 17
    world.prm.faults += [Fault("GET", "/api/companies", 503, {}) for _ in range(20)]
    with pytest.raises(Retry, match="HTTP 503"):
        connector.fetch(world.spec, [id_])


def test_check_names_the_account_and_what_of_the_description_does_not_fit(world: RestWorld) -> None:
    world.create("Acme")
    checked = world.connector().check([world.spec], {"Company": ["syncd"]})
    assert (checked.uid, checked.problems) == ("rest-127.0.0.1-acme-42", ())
    for old, new, words in (
        ("items: data", "items: records", "no list of records"),
        ("path: /api/companies/page", "path: /api/firms", "HTTP 404"),
        ("    read: ", "    id: number\n    read: ", "Correct `id` and `stamp`"),
        ("field: updated_at", "field: name", "Correct `id` and `stamp`"),
    ):
        (problem,) = world.connector(about=description("page", (old, new))).check([world.spec], {}).problems
        assert problem.startswith("Company")
        assert words in problem
    with pytest.raises(Stop, match="does not say who it is"):
        world.connector(about=description("page", ("id: account.id", "id: account.name"))).check([], {})
    anonymous = description("page", ("identity: {path: /api/me, id: account.id}\n", ""))
    assert world.connector(about=anonymous).check([world.spec], {}).uid == "rest-127.0.0.1"


def test_a_right_that_is_missing_is_told_for_its_object(world: RestWorld) -> None:
    world.prm.faults.append(Fault("GET", "/api/companies", 403, {"code": "forbidden"}))
    (problem,) = world.connector().check([world.spec], {}).problems
    assert "cannot be read" in problem
    assert "forbidden" in problem


def test_an_idle_pull_is_one_call(world: RestWorld) -> None:
    world.create("Acme")
    connector = world.connector()
    upper = connector.now()
    list(connector.pull(world.spec, Window(None, upper)))
    world.clock.wait(600)
    before = connector.calls
    list(connector.pull(world.spec, Window(upper + timedelta(seconds=5), connector.now())))
    assert connector.calls - before == 1


def test_words_of_a_refusal_do_not_get_into_errors(world: RestWorld) -> None:
    world.prm.faults.append(Fault("GET", "/api/companies", 400, {"code": "bad", "message": "Jo Doe, jo@acme.example"}))
    with pytest.raises(UserError) as caught:
        everything(world, description())
    assert "Jo Doe" not in str(caught.value)
    assert "bad" in str(caught.value)


def test_a_write_of_two_kinds_of_field_is_one_body(world: RestWorld) -> None:
    id_ = world.create("Acme")
    write = Write(1, Ref("u", "Company", id_), WriteGroup.STAMP, {"syncd": "v", "region": "west"})
    world.connector().write("Company", [write])
    assert world.prm.bodies == [{"updates": [{"id": id_, "values": {"syncd": "v", "region": "west"}}]}]
