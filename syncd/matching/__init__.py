"""Matching: which records mean the same organization, with a score, and why. Pure: no clock, no input or output."""

from syncd.matching.decide import Decided, Thresholds
from syncd.matching.evaluate import Quality, evaluate
from syncd.matching.index import COMMON, MemoryCandidates
from syncd.matching.keys import keys, query_keys
from syncd.matching.link import Linker, edges_between, link_all
from syncd.matching.parse import PARSER_VERSION, Parsed, parse
from syncd.matching.points import Weights, shipped_weights
from syncd.matching.score import Edge, score
from syncd.matching.statistics import Statistics

__all__ = [
    "COMMON",
    "PARSER_VERSION",
    "Decided",
    "Edge",
    "Linker",
    "MemoryCandidates",
    "Parsed",
    "Quality",
    "Statistics",
    "Thresholds",
    "Weights",
    "edges_between",
    "evaluate",
    "keys",
    "link_all",
    "parse",
    "query_keys",
    "score",
    "shipped_weights",
]
