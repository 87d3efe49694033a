"""Other linkers over the same lists: rapidfuzz, TF-IDF, Splink and nomenklatura; each is left out where it is missing.

They need an environment with `requirements/clients/peers.txt`. All get names without legal forms, as read by syncd,
because their own cleaning finds fewer forms; nomenklatura reads the names as they are, as it is made for that.
"""

from __future__ import annotations

import importlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bench.matching.figures import Scored
from syncd.matching import Parsed, parse
from syncd.model import Account

Peer = Callable[[Sequence[Account], Sequence[Account]], Scored]
NEAREST = 10  # right records kept for each left one
_LEAST = 50  # percent below which a spelling is not looked at


def peers() -> Mapping[str, Peer]:
    """The peers that can run here, by the name that the table shows."""
    every: dict[str, tuple[Peer, str]] = {
        "rapidfuzz token_set": (lambda left, right: _rapidfuzz(left, right, "token_set_ratio"), "rapidfuzz"),
        "rapidfuzz WRatio": (lambda left, right: _rapidfuzz(left, right, "WRatio"), "rapidfuzz"),
        "TF-IDF 3-grams": (tfidf, "sparse_dot_topn"),
        "Splink 5": (splink, "splink"),
        "Splink 5, best only": (lambda left, right: best_only(splink(left, right)), "splink"),
        "nomenklatura logic-v2": (logic_v2, "nomenklatura"),
    }
    return {name: peer for name, (peer, needed) in every.items() if _is_here(needed)}


def _is_here(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ImportError:
        return False
    return True


def best_only(scored: Scored) -> Scored:
    """For each left record its best right one."""
    best: dict[str, tuple[str, str, float]] = {}
    for pair in scored:
        if pair[0] not in best or pair[2] > best[pair[0]][2]:
            best[pair[0]] = pair
    return list(best.values())


def _words(record: Parsed) -> str:
    return " ".join(record.names[0].words) if record.names else ""


def _by_country(left: Sequence[Account], right: Sequence[Account]) -> Iterator[tuple[list[Parsed], list[Parsed]]]:
    sides: tuple[dict[str, list[Parsed]], dict[str, list[Parsed]]] = (defaultdict(list), defaultdict(list))
    for side, accounts in zip(sides, (left, right), strict=True):
        for record in map(parse, accounts):
            side[record.country or ""].append(record)
    for country in sorted(sides[0].keys() & sides[1].keys()):
        yield sides[0][country], sides[1][country]


def _rapidfuzz(left: Sequence[Account], right: Sequence[Account], scorer: str) -> Scored:
    """The best matches of each name among the names of its country."""
    from rapidfuzz import fuzz, process

    found: list[tuple[str, str, float]] = []
    for here, there in _by_country(left, right):
        names = [_words(record) for record in there]
        for start in range(0, len(here), 200):
            some = here[start : start + 200]
            table = process.cdist([_words(r) for r in some], names, scorer=getattr(fuzz, scorer), score_cutoff=_LEAST)
            for record, line in zip(some, table, strict=True):
                for at in line.argsort()[::-1][:NEAREST]:
                    if line[at] > 0:
                        found.append((record.ref.id, there[at].ref.id, float(line[at])))
    return found


def tfidf(left: Sequence[Account], right: Sequence[Account]) -> Scored:
    """Cosine of character 3-grams, inside the country."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sparse_dot_topn import sp_matmul_topn

    found: list[tuple[str, str, float]] = []
    groups = list(_by_country(left, right))
    every = [f" {_words(record)} " for here, there in groups for record in (*here, *there)]
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(3, 3), sublinear_tf=True).fit(every)
    for here, there in groups:
        one = vectors.transform([f" {_words(record)} " for record in here])
        other = vectors.transform([f" {_words(record)} " for record in there])
        table = sp_matmul_topn(one.tocsr(), other.T.tocsr(), top_n=NEAREST, threshold=0.3).tocoo()
        found += [(here[i].ref.id, there[j].ref.id, float(score))
                  for i, j, score in zip(table.row, table.col, table.data, strict=True)]  # fmt: skip
    return found


def logic_v2(left: Sequence[Account], right: Sequence[Account]) -> Scored:
    """nomenklatura's rules on the five nearest by TF-IDF; every record gets an id of its own, because it remembers."""
    from followthemoney import model
    from nomenklatura.matching import get_algorithm

    algorithm: Any = get_algorithm("logic-v2")
    config = algorithm.default_config()
    sides = {"l": {a.ref.id: a for a in left}, "r": {a.ref.id: a for a in right}}
    made: dict[tuple[str, str], Any] = {}

    def entity(side: str, id_: str) -> Any:
        if (side, id_) not in made:
            account = sides[side][id_]
            made[side, id_] = _entity(model, f"{side}-{id_}", account)
        return made[side, id_]

    near: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for one, other, score in tfidf(left, right):
        near[one].append((score, other))
    pairs = [(one, other) for one, some in near.items() for _, other in sorted(some, reverse=True)[:5]]
    return [(one, other, float(algorithm.compare(entity("l", one), entity("r", other), config).score))
            for one, other in pairs]  # fmt: skip


def _entity(model: Any, id_: str, account: Account) -> Any:
    entity = model.make_entity("Company")
    entity.id = id_
    values = {"name": account.name, "country": account.country, "website": account.website, "address": account.street}
    for field, value in values.items():
        if value:
            entity.add(field, value, fuzzy=True)
    return entity


def splink(left: Sequence[Account], right: Sequence[Account]) -> Scored:
    """Fellegi-Sunter by expectation maximisation: names by likeness, every other field they have by equality."""
    import duckdb
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    from splink import comparison_library as library

    logging.getLogger("splink").setLevel(logging.ERROR)
    shared = sorted(_present(left) & _present(right))
    comparisons: list[Any] = [library.JaroWinklerAtThresholds("name", [0.95, 0.88, 0.8])]
    comparisons += [library.ExactMatch(column) for column in shared]
    first = block_on("first", "country") if "country" in shared else block_on("first")
    rules = [block_on("name"), first, *(block_on(c) for c in shared if c in ("domain", "postcode", "phone"))]
    settings = SettingsCreator(link_type="link_only", unique_id_column_name="id", comparisons=comparisons,
                               blocking_rules_to_generate_predictions=rules)  # fmt: skip
    with duckdb.connect() as connection:
        database = DuckDBAPI(connection=connection)
        tables = [_table(connection, name, side) for name, side in (("l", left), ("r", right))]
        linker = Linker(
            [database.register(table, dataset_display_name=table) for table in tables], settings, log_level=30
        )
        linker.training.estimate_probability_two_random_records_match([block_on("name")], recall=0.8)
        linker.training.estimate_u_using_random_sampling(seed=1)
        for rule in rules[:2]:
            linker.training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
        predicted = linker.inference.predict().as_duckdbpyrelation()
        wanted = "CASE WHEN source_dataset_l = 'l' THEN id_l ELSE id_r END, CASE WHEN source_dataset_l = 'l' THEN id_r "
        found = predicted.project(wanted + "ELSE id_l END, match_weight").fetchall()
    return [(str(one), str(other), float(weight)) for one, other, weight in found]


def _table(connection: Any, name: str, accounts: Sequence[Account]) -> str:
    records = [parse(account) for account in accounts]
    columns = {
        "id": [record.ref.id for record in records],
        "name": [_words(record) or None for record in records],
        "first": [record.names[0].words[0] if record.names else None for record in records],
        **{field: [getattr(record, field) or None for record in records] for field in _FIELDS},
    }
    wanted = ", ".join(f"unnest(${at})::VARCHAR AS {column}" for at, column in enumerate(columns, 1))
    connection.execute(f"CREATE TABLE {name} AS SELECT {wanted}", list(columns.values()))
    return name


_FIELDS = ("domain", "postcode", "city", "phone", "country")


def _present(accounts: Sequence[Account]) -> set[str]:
    records = [parse(account) for account in accounts]
    return {field for field in _FIELDS if sum(bool(getattr(record, field)) for record in records) > len(records) / 10}
