"""People answer the questions that teach most, learn a points table from the answers, or adapt one to their data."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.universe import accounts, as_account, registrations
from syncd.app import load_config, open_store, opened
from syncd.cli.main import run
from syncd.jobs.frozen import count_now
from syncd.jobs.link import link
from syncd.matching import keys, parse, query_keys
from syncd.model import Account, Judgement, Ref
from syncd.store import decisions, graph, records
from tests.cli.match_lists import Three, as_csv, generated, table

REPOSITORY = Path(__file__).parents[2]

FILED = {
    "1": ("Acme Widgets", "acme-widgets.co.uk"),
    "2": ("Brightwater Food", None),
    "3": ("Zephyr Ovens and Stoves", None),
    "4": ("Quillfeather Pens (North)", "quillfeather.com"),
}
ACCOUNTS = {
    "001": ("Acme Widgets Ltd", "acme-widgets.co.uk"),
    "002": ("Brightwater Foods Holdings", None),
    "003": ("Zephyr Oven Company", None),
    "004": ("Quillfeather Pens (South)", "quillfeather.com"),
    "005": ("Nothing Alike plc", None),
}


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """Two files and their truth, from the generated universe."""
    return generated(tmp_path_factory.mktemp("lists"), 5, 1_000, 400)


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A state in which some companies are linked surely, some wait for review, and some not at all."""
    for name in ("CRM_CLIENT_ID", "CRM_CLIENT_SECRET", "PRM_TOKEN"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SYNCD_ACTOR", "ada")
    shutil.copytree(REPOSITORY / "config", tmp_path / "config")
    path = tmp_path / "config" / "syncd.yaml"
    store = open_store(load_config(path).settings)
    store.upgrade()
    store.close()
    filed = [Account(Ref("prm1", "companies", n), name, website=site) for n, (name, site) in FILED.items()]
    keep(path, filed, [Account(Ref("crm1", "Account", n), name, website=site) for n, (name, site) in ACCOUNTS.items()])
    return str(path)


def keep(path: Path, filed: Iterable[Account], direct: Iterable[Account]) -> None:
    """Put companies into the state as staging does, and link them."""
    made = [("filed", parse(account)) for account in filed] + [("direct", parse(account)) for account in direct]
    with opened(path) as work:
        with work.store.begin() as tx:
            asking = {one.ref: query_keys(one) for role, one in made if role == "filed"}
            graph.put_parsed(tx, [(one.ref, role, one.to_json(), keys(one)) for role, one in made], "1", asking)
            graph.mark_unlinked(tx, [one.ref for _, one in made])
        link(work)


def judged(config: str) -> dict[tuple[str, str], Judgement]:
    with opened(Path(config)) as work, work.store.read() as tx:
        found = decisions.judgements(tx, records.aliases(tx))
    return {(one.id, other.id): said for (one, other), said in found.items()}


# --- review and explain ----------------------------------------------------------------------------------------------


def test_questions_go_out_as_a_file_and_come_back_as_judgements(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = str(tmp_path / "questions.csv")
    assert run(["-c", config, "match", "review", "-o", questions]) == 0
    asked = table(questions)
    assert len(asked) >= 2
    assert all(row["band"] == "review" and not row["answer"] for row in asked)
    for row, said in zip(asked, ("same", "D"), strict=False):
        row["answer"], row["answer_reason"] = said, "looked it up"
    as_csv(tmp_path / "questions.csv", asked[0], (row.values() for row in asked))
    assert run(["-c", config, "match", "review", "--answers", questions, "--json"]) == 0
    done = json.loads(capsys.readouterr().out)
    assert (done["answers"], done["recorded"], done["by"]) == (2, 2, "ada")
    assert sorted(said.value for said in judged(config).values()) == ["different", "same"]
    assert run(["-c", config, "match", "review", "--answers", questions, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["recorded"] == 0
    assert run(["-c", config, "match", "review", "--json"]) == 0
    still = {(row["left"], row["right"]) for row in json.loads(capsys.readouterr().out)}
    assert not still & {(row["left"], row["right"]) for row in asked[:2]}


def test_an_answer_that_is_none_is_named_and_the_others_are_recorded(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refs = ("prm1/companies/2", "crm1/Account/002")
    rows = [(*refs, "same"), (*refs, "perhaps"), ("prm1/companies/9", refs[1], "same"), ("nonsense", "x", "same")]
    answers = as_csv(tmp_path / "a.csv", ("left", "right", "answer"), rows)
    assert run(["-c", config, "match", "review", "--answers", answers]) == 3
    told = capsys.readouterr()
    assert "1 of 3 answers recorded as ada" in told.out
    assert "“perhaps” is no answer" in told.err
    assert "prm1/companies/9 names no account" in told.err
    assert "is no ref such as" in told.err
    assert list(judged(config).values()) == [Judgement.SAME]


class Terminal(io.StringIO):
    """Somebody at a keyboard."""

    def isatty(self) -> bool:
        return True


def test_the_dialogue_shows_both_records_and_records_each_answer_at_once(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("what?\nsame\nn\n"))
    assert run(["-c", config, "match", "review", "--most", "2"]) == 0
    told = capsys.readouterr().out
    assert re.search(r"1 of 2: score 0\.\d{3}", told)
    assert told.count("[s]ame, [d]ifferent") == 3  # the first answer was none and was asked for again
    assert "1 answers recorded as ada" in told
    assert list(judged(config).values()) == [Judgement.SAME]


def test_what_a_person_said_is_told_with_name_and_reason(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    pair = ("prm1/companies/1", "crm1/Account/001")
    assert run(["-c", config, "different", *pair, "--reason", "another Acme"]) == 0
    with opened(Path(config)) as work:
        link(work)
    capsys.readouterr()
    assert run(["-c", config, "match", "explain", *pair]) == 0
    told = capsys.readouterr().out
    assert re.search(r"ada said different on \d{4}-\d\d-\d\d \d\d:\d\d UTC: another Acme\.", told)
    assert "No link: a person said different, which outlives every score" in told


def test_a_pair_that_was_never_linked_is_explained_from_the_state(
    config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["-c", config, "match", "explain", "prm1/companies/1", "crm1/Account/005", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["band"] == "none"
    assert "no word in common" in document["missing_keys"]
    assert sum(e["points"] for e in document["evidence"]) == pytest.approx(document["points"])


# --- tables of one's own ---------------------------------------------------------------------------------------------


def test_a_table_is_learned_reported_and_used_only_when_named(
    lists: Three, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points, links = str(tmp_path / "points.csv"), str(tmp_path / "links.csv")
    assert run(["match", "train", *lists, "--folds", "2", "-o", points, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["held_out"]["shipped"]["labelled_pairs"] == report["held_out"]["learned"]["labelled_pairs"] > 100
    assert report["points"]
    written = Path(points).read_text(encoding="utf-8")
    assert written.startswith("# trained on: ")
    assert "labelled pairs of" in written.splitlines()[0]
    assert run(["match", *lists[:2], "-o", links, "--points", points]) == 0
    with_it = Path(links).read_text(encoding="utf-8")
    assert run(["match", *lists[:2], "-o", links]) == 0
    assert Path(links).read_text(encoding="utf-8") != with_it


def test_nothing_is_written_unless_asked(
    lists: Three, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["match", "adapt", *lists[:2], "--truth", lists[2]]) == 0
    told = capsys.readouterr().out
    assert "Nothing was written" in told
    assert "points moved; the most:" in told
    assert "Best F1" in told
    assert list(tmp_path.iterdir()) == []


def test_answers_about_two_files_can_be_learned_from(
    lists: Three, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right, truth = lists
    questions = str(tmp_path / "questions.csv")
    assert run(["match", "review", "--left", left, "--right", right, "-o", questions, "--most", "60"]) == 0
    true = {(row["id_left"], row["id_right"]) for row in table(truth)}
    rows = [{**row, "answer": "same" if (row["id_left"], row["id_right"]) in true else "different"}
            for row in table(questions)]  # fmt: skip
    as_csv(Path(questions), rows[0], (row.values() for row in rows))
    capsys.readouterr()
    assert run(["match", "train", left, right, questions, "--folds", "2", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["held_out"]["learned"]["labelled_pairs"] == len(rows)
    assert report["held_out"]["learned"]["best_f1"] is None


def test_the_daemon_freezes_the_table_that_the_settings_name(config: str, lists: Three) -> None:
    points = Path(config).parent / "points.csv"
    assert run(["match", "adapt", *lists[:2], "-o", str(points)]) == 0
    settings = Path(config)
    said = settings.read_text(encoding="utf-8")
    settings.write_text(said.replace("review: 0.10", "review: 0.10, points: points.csv", 1), encoding="utf-8")
    with opened(settings) as work, work.store.read() as tx:
        assert work.weights is not None
        assert count_now(tx, work.weights).weights.version == work.weights.version
        assert count_now(tx).weights.version != work.weights.version


def test_the_state_teaches_what_people_judged_and_adapts_to_its_accounts(
    config: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = list(accounts(8, 400)), list(registrations(8, 150, 400))
    of_company = {row.company: row.id for row in ours}
    filed = [replace(as_account("left", row.fields), ref=Ref("prm1", "companies", row.id)) for row in theirs]
    direct = [replace(as_account("right", row.fields), ref=Ref("crm1", "Account", row.id)) for row in ours]
    keep(Path(config), filed, direct)
    meant = {row.id: of_company.get(row.company) for row in theirs}
    assert run(["-c", config, "match", "review", "--json", "--most", "60"]) == 0
    asked = [(Ref.parse(row["left"]), Ref.parse(row["right"])) for row in json.loads(capsys.readouterr().out)]
    across = [(one, other) for one, other in asked if one.connection != other.connection]
    said = [(str(a), str(b), "same" if meant.get(a.id) == b.id else "different") for a, b in across]
    said += [(f"prm1/companies/{one}", f"crm1/Account/{other}", "same")
             for one, other in list(meant.items())[:40] if other]  # fmt: skip
    answers = as_csv(tmp_path / "answers.csv", ("left", "right", "answer"), said)
    assert run(["-c", config, "match", "review", "--answers", answers, "--json"]) == 0
    recorded = json.loads(capsys.readouterr().out)["recorded"]
    assert run(["-c", config, "match", "train", "--folds", "2", "-o", str(tmp_path / "points.csv"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert 20 <= report["held_out"]["learned"]["labelled_pairs"] <= recorded
    assert report["points"]
    assert run(["-c", config, "match", "adapt", "--json"]) == 0
    adapted = json.loads(capsys.readouterr().out)
    assert adapted["pairs"] > 150
    assert adapted["output"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "k.csv", "k.csv"], "names no pair"),
        (["train", "l.csv"], "Give LEFT.csv, RIGHT.csv and TRUTH.csv"),
        (["adapt", "l.csv"], "or neither to look at the state"),
        (["review", "--left", "l.csv"], "Give both --left"),
        (["l.csv", "r.csv", "--points", "none.csv"], "There is no file none.csv"),
        (["review", "--left", "l.csv", "--right", "r.csv", "--answers", "a.csv"], "are for `syncd match train"),
    ],
)
def test_wrong_usage_is_told_with_the_remedy(
    arguments: list[str],
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("l.csv", "r.csv", "a.csv"):
        Path(name).write_text("id,name\n1,Acme Widgets\n", encoding="utf-8")
    Path("k.csv").write_text("id_left,id_right,score,band\n", encoding="utf-8")
    assert run(["match", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_no_table_or_lacks_levels_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("l.csv", "r.csv"):
        as_csv(tmp_path / name, ("id", "name"), [("1", "Acme")])
    both = [str(tmp_path / "l.csv"), str(tmp_path / "r.csv")]
    assert run(["match", *both, "--points", both[0]]) == 2
    assert "is no points table" in capsys.readouterr().err
    short = as_csv(
        tmp_path / "p.csv", ("claim", "level", "points", "start", "pairs"), [("same_name", "equal", 1, 1, 0)]
    )
    assert run(["match", *both, "--points", short]) == 2
    assert "made by another version of syncd" in capsys.readouterr().err


def test_too_few_labels_are_refused_with_what_to_do(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["-c", config, "match", "train"]) == 2
    assert "`syncd match review` asks for those that teach most" in capsys.readouterr().err
