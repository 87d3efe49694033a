"""Splink 5 on DuckDB over the generated universe, end to end; runs in an environment of its own and imports no syncd.

    python splink_universe.py FOLDER OUTPUT.csv

FOLDER is what `bench.universe` wrote. Reads, normalises, estimates, predicts, and writes the best account of each
registration with its match weight. The last line printed is JSON with the seconds of each step.
"""

from __future__ import annotations

import csv
import json
import re
import resource
import sys
import time
import unicodedata
from pathlib import Path

import duckdb
import splink.comparison_level_library as cll
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

FIELDS = ("id", "name", "other", "website", "email", "phone", "street", "city", "postcode", "country", "vat")
_FORMS = re.compile(
    r"\b(?:inc|llc|corp|corporation|co|lp|limited|ltd|plc|llp|gmbh|kg|ag|mbh|ug|haftungsbeschrankt|ek|og|gesmbh|sarl|sas|"
    r"sa|sasu|eurl|sl|slu|sau|srl|spa|snc|bv|nv|vof|ab|aktiebolag|hb|publ|sp|z|oo|k|j|ltda|eireli|kk|gk|kabushiki|kaisha|"
    r"und|and|et|y|e|en|i)\b"
)  # every legal form of the universe: the peer is given a perfect list
_HOST = re.compile(r"^(?:https?://)?(?:www\.)?([^/]+)")
_FREE = {"gmail.com", "yahoo.com", "hotmail.com", "gmx.de", "outlook.com"}
_COLUMNS = ("unique_id", "name", "first_word", "two_words", "domain", "phone", "postcode", "city", "country", "vat")


def normalised(row: list[str]) -> tuple[str | None, ...]:
    """A row as Splink compares it."""
    record = dict(zip(FIELDS, row, strict=True))
    words = _name(record["name"]).split()
    phone = "".join(c for c in record["phone"] if c.isdigit())[-8:]
    values = (
        " ".join(words), words[0] if words else "", " ".join(sorted(words[:2])), _domain(record), phone,
        record["postcode"].replace(" ", "").upper(), _plain(record["city"]), record["country"], record["vat"],
    )  # fmt: skip
    return (record["id"], *(value or None for value in values))


def _plain(text: str) -> str:
    text = text.replace("ß", "ss").replace("ł", "l").replace("Ł", "L")
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c)).lower()


def _name(text: str) -> str:
    text = re.sub(r"[^a-z0-9& ]", "", re.sub(r"[-/&]", " ", _plain(text)))
    return " ".join(_FORMS.sub(" ", text).split())


def _domain(record: dict[str, str]) -> str:
    found = _HOST.match(record["website"].lower())
    host = found.group(1) if found else record["email"].rpartition("@")[2]
    return "" if host in _FREE else host


def settings() -> SettingsCreator:
    """Comparisons with term frequencies where values are shared, and blocking on what is rare together."""
    name = cl.CustomComparison(
        output_column_name="name",
        comparison_levels=[
            cll.NullLevel("name"),
            cll.ExactMatchLevel("name", term_frequency_adjustments=True),
            cll.JaroWinklerLevel("name", 0.95),
            cll.JaroWinklerLevel("name", 0.88),
            cll.JaroWinklerLevel("name", 0.75),
            cll.ElseLevel(),
        ],
    )
    exact = [cl.ExactMatch(column).configure(term_frequency_adjustments=True)
             for column in ("domain", "phone", "postcode", "city")]  # fmt: skip
    vat = cl.ExactMatch("vat").configure(u_probabilities=[1e-6, 1 - 1e-6])  # too rare for a sample of pairs to meet
    return SettingsCreator(
        link_type="link_only",
        comparisons=[name, *exact, cl.ExactMatch("country"), vat],
        blocking_rules_to_generate_predictions=[
            block_on("name"), block_on("domain"), block_on("phone"), block_on("vat"), block_on("postcode"),
            block_on("two_words", "country"), block_on("first_word", "city"),
            block_on("substr(name, 1, 7)", "country"),
        ],
        retain_intermediate_calculation_columns=False,
    )  # fmt: skip


def main(folder: Path, output: Path) -> None:
    """Run all steps."""
    steps: dict[str, float] = {}
    database = duckdb.connect()
    database.execute("SET threads TO 2")
    begun = time.perf_counter()
    for table, paths in (
        ("accounts", sorted(folder.glob("accounts-*.csv"))),
        ("filed", [folder / "registrations.csv"]),
    ):
        _load(database, table, paths, folder)
    steps["prepare"] = time.perf_counter() - begun

    begun = time.perf_counter()
    api = DuckDBAPI(connection=database)
    lists = [api.register(name, dataset_display_name=f"{at}_{name}") for at, name in enumerate(("filed", "accounts"))]
    linker = Linker(lists, settings(), log_level=None)
    training = linker.training
    training.estimate_probability_two_random_records_match([block_on("name", "city"), block_on("vat")], recall=0.6)
    training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
    for rule in (block_on("name"), block_on("domain")):
        training.estimate_parameters_using_expectation_maximisation(rule, record_sample_proportion=1.0)
    steps["train"] = time.perf_counter() - begun

    begun = time.perf_counter()
    found = linker.inference.predict(threshold_match_weight=-6).physical_name
    best = f"""COPY (SELECT unique_id_l, unique_id_r, match_weight FROM {found}
               QUALIFY row_number() OVER (PARTITION BY unique_id_l ORDER BY match_weight DESC, unique_id_r) = 1)
               TO '{output}' (HEADER false)"""
    database.execute(best)
    steps["predict"] = time.perf_counter() - begun
    steps["pairs"] = database.execute(f"SELECT count(*) FROM {found}").fetchall()[0][0]
    steps["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(steps))


def _load(database: duckdb.DuckDBPyConnection, table: str, paths: list[Path], folder: Path) -> None:
    """Normalise through a file, which DuckDB reads faster than rows handed over one by one."""
    plain = folder / f"{table}.splink.csv"
    with plain.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        for path in paths:
            with path.open(encoding="utf-8", newline="") as file:
                writer.writerows(normalised(row) for row in csv.reader(file))
    columns = ", ".join(f"'{column}': 'VARCHAR'" for column in _COLUMNS)
    source = f"read_csv('{plain}', header=false, columns={{{columns}}}, nullstr='')"
    database.execute(f"CREATE TABLE {table} AS SELECT * FROM {source}")
    plain.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
