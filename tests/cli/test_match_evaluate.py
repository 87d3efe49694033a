"""`match evaluate` measures links, tells where true pairs were lost, and writes one page that everybody can read."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from syncd.cli.main import run
from tests.cli.match_lists import Three, as_csv, generated, table


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Three:
    """Two files and their truth, from the generated universe."""
    return generated(tmp_path_factory.mktemp("lists"), 5, 700, 200)


@pytest.fixture(scope="module")
def links(lists: Three, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("links") / "links.csv")
    assert run(["match", *lists[:2], "-o", path]) == 0
    return path


class Page(HTMLParser):
    """The tags of a page, in order, and whether each that must be closed was."""

    VOID = frozenset(("meta", "br", "line", "circle", "path", "polyline"))

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def of(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.fixture(scope="module")
def page(lists: Three, links: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    left, right, truth = lists
    assert run(["match", "evaluate", links, truth, "--left", left, "--right", right, "--html", str(path)]) == 0
    return path.read_text(encoding="utf-8")


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    made = Page(page)
    assert not made.open
    assert not made.of("script", "link", "img", "iframe", "object")
    assert not [attrs for _, attrs in made.tags if {"src", "href", "style", "onclick"} & attrs.keys()]
    assert "default-src 'none'" in page
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_page_can_be_read_without_seeing_it(page: str) -> None:
    made = Page(page)
    assert made.of("html")[0]["lang"] == "en"
    assert len(made.of("h1")) == 1
    assert len(made.of("h2")) >= 5
    plots = made.of("svg")
    assert len(plots) == 2
    named = {attrs.get("id") for attrs in made.of("title", "desc")}
    assert all(svg["role"] == "img" and set((svg["aria-labelledby"] or "").split()) <= named for svg in plots)
    assert all(attrs.get("scope") in ("col", "row") for attrs in made.of("th"))
    assert len(made.of("caption")) == len(made.of("table"))


def test_the_page_has_colours_for_light_and_dark_and_says_the_plots_figures_in_words(page: str) -> None:
    assert "color-scheme:light dark" in page
    assert "prefers-color-scheme:dark" in page
    assert re.search(r"<desc[^>]*>score 0\.\d+: \d\.\d+ right of \d+", page)
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        ElementTree.fromstring(svg)  # well-formed by itself


def test_names_from_files_never_become_markup(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script> Widgets'
    left = as_csv(tmp_path / "l.csv", ("id", "name"), [("<b>1</b>", evil)])
    right = as_csv(tmp_path / "r.csv", ("id", "name"), [("R1", evil), ("R2", "Other Foods")])
    links, out = str(tmp_path / "k.csv"), tmp_path / "o.html"
    truth = as_csv(tmp_path / "t.csv", ("id_left", "id_right"), [("<b>1</b>", "R2")])
    assert run(["match", left, right, "-o", links]) == 0
    assert run(["match", "evaluate", links, truth, "--left", left, "--right", right, "--html", str(out)]) == 0
    text = out.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "<b>" not in text


def test_it_tells_where_true_pairs_were_lost_and_explains_the_worst(
    lists: Three, links: str, capsys: pytest.CaptureFixture[str]
) -> None:
    left, right, truth = lists
    assert run(["match", "evaluate", links, truth, "--left", left, "--right", right, "--json", "--worst", "3"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["candidates"]["true_pairs"] == len(table(truth))
    assert 0.9 < document["candidates"]["recall"] <= 1
    assert sum(document["candidates"]["lost"].values()) == len(table(truth)) - document["candidates"]["compared"]
    assert len(document["missed"]) == 3
    for shown in document["missed"]:
        evidence = shown["explanation"]["evidence"]
        assert sum(e["points"] for e in evidence) == pytest.approx(shown["explanation"]["points"])
        assert shown["why"]
    assert document["calibration"]["bins"]


def test_what_was_lost_is_told_by_its_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left = as_csv(tmp_path / "l.csv", ("id", "name"), [("1", "Acme Widgets"), ("2", "Zephyr Ovens")])
    right = as_csv(tmp_path / "r.csv", ("id", "name"), [("1", "Acme Widgets Ltd"), ("2", "Boreas Stoves")])
    truth = as_csv(tmp_path / "t.csv", ("id_left", "id_right"), [("1", "1"), ("2", "2"), ("3", "9")])
    none = as_csv(tmp_path / "k.csv", ("id_left", "id_right", "score", "band"), [])
    assert run(["match", "evaluate", none, truth, "--left", left, "--right", right, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["candidates"]["lost"] == {"no_key": 1, "absent": 1}
    why = {shown["id_left"]: shown["why"] for shown in document["missed"]}
    assert why["1"].startswith("the files link it, the links given do not")
    assert why["2"] == "no key that is rare enough brings them together"
    assert why["3"] == "one of the records is not in the files"


def test_without_the_files_the_reason_of_the_links_is_all_there_is(
    lists: Three, links: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["match", "evaluate", links, lists[2]]) == 0
    told = capsys.readouterr().out
    assert "Give --left and --right" in told
    assert "Whether scores are probabilities" in told


def test_one_list_with_duplicates_is_measured_by_clusters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = as_csv(tmp_path / "c.csv", ("id", "cluster"), [(1, "a"), (2, "a"), (3, "a"), (4, "b")])
    rows = [(1, 1, 1.0, "auto"), (2, 1, 0.99, "auto"), (1, 2, 0.99, "auto"), (3, 2, 0.5, "review")]
    found = as_csv(tmp_path / "k.csv", ("id_left", "id_right", "score", "band"), rows)
    assert run(["match", "evaluate", found, truth, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["bands"]["auto"] == {"links": 1, "right": 1, "precision": 1.0, "recall": 1 / 3, "f1": 0.5}
    assert document["b_cubed"]["auto+review"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert document["b_cubed"]["auto"]["recall"] == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1) / 4)
