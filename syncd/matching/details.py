"""What exactly was compared, said after a claim's sentence: the words, the domains, the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from syncd.matching.pairs import Pair

Detail = Callable[[Pair], str]

_LEVELS = {
    "in_full": "to the letter, legal form and all",
    "to_the_letter": "to the letter, legal form aside",
    "equal": "with another spelling or abbreviation",
    "own": "used by them alone",
    "few_names": "used by a few other names",
    "many_names": "used by many names",
    "unique": "this combination is unique",
    "very_rare": "very rare",
    "rare": "rare",
    "uncommon": "not so rare",
    "common": "common",
    "very_common": "very common",
    "very_much": "very much",
    "much": "much",
    "somewhat": "somewhat",
    "little": "little",
    "not": "not at all",
    "nearly": "nearly",
    "mostly": "mostly",
    "wholly": "wholly",
    "partly": "partly",
    "near": "but near each other",
    "number_and_street": "same house number and street",
    "words": "same street or building",
}


def detail(claim: str, level: str, pair: Pair) -> str:
    """The particulars of one claim about one pair; blank when the sentence says it all."""
    said = _DETAILS[claim](pair) if claim in _DETAILS else ""
    words = _LEVELS.get(level, "")
    return f"{said} ({words})" if said and words else said or words


def _list(words: Iterable[str]) -> str:
    return " ".join(words)[:80]


def _names(pair: Pair) -> str:
    return f"“{pair.left.title}” and “{pair.right.title}”"


def _both(left: str, right: str) -> str:
    return f"{left} and {right}"


def _shared_words(pair: Pair) -> str:
    return f"“{_list(pair.name.shared)}”"


def _share(pair: Pair) -> str:
    return f"{round(100 * pair.name.agreement)} % by weight, {_names(pair)}"


def _extra(pair: Pair) -> str:
    return f"“{_list(pair.name.left_extra or pair.name.right_extra)}”"


def _own_words(pair: Pair) -> str:
    return f"“{_list(pair.name.left_extra)}” and “{_list(pair.name.right_extra)}”"


def _group_words(pair: Pair) -> str:
    return f"“{_list((*pair.name.left_extra, *pair.name.right_extra))}”"


def _bends(pair: Pair) -> str:
    return ", ".join(f"“{left}” for “{right}”" for _, left, right in pair.name.bends[:3])


def _first_words(pair: Pair) -> str:
    return _both(pair.name.left.words[0], pair.name.right.words[0])


def _kinds_of_form(pair: Pair) -> str:
    return _both(" ".join(pair.name.left.families), " ".join(pair.name.right.families))


def _numbers(pair: Pair) -> str:
    left, right = sorted(pair.name.left.numbers), sorted(pair.name.right.numbers)
    return f"{' '.join(left) or 'none'} and {' '.join(right) or 'none'}"


def _used_names(pair: Pair) -> str:
    return f"“{_list(pair.name.left.words)}” and “{_list(pair.name.right.words)}”"


def _spelling(pair: Pair) -> str:
    return pair.spelling[0] if pair.spelling else ""


def _tax_ids(pair: Pair) -> str:
    shared = sorted(set(pair.left.tax_ids) & set(pair.right.tax_ids))
    return ", ".join(shared) or _both(", ".join(pair.left.tax_ids), ", ".join(pair.right.tax_ids))


def _label(pair: Pair) -> str:
    return pair.left.label or pair.right.label


_DETAILS: dict[str, Detail] = {
    "names_look_alike": _names,
    "domain_reads_like_name": _label,
    "domain_has_own_word": lambda pair: _both(pair.left.domain or "none", pair.right.domain or "none"),
    "same_name": _names,
    "words_agree": _share,
    "no_word_agrees": _names,
    "rare_words_agree": _shared_words,
    "different_legal_form": _kinds_of_form,
    "first_word_differs": _first_words,
    "typing_error": _bends,
    "shortened_word": _bends,
    "one_side_has_extra_words": _extra,
    "subsidiary_word": _group_words,
    "both_have_own_words": _own_words,
    "different_places": _own_words,
    "different_numbers": _numbers,
    "found_by_other_name": _used_names,
    "initials_agree": _names,
    "same_domain": lambda pair: pair.left.domain,
    "same_domain_label": lambda pair: _both(pair.left.domain, pair.right.domain),
    "different_domain": lambda pair: _both(pair.left.domain, pair.right.domain),
    "domain_spells_name": _spelling,
    "same_postcode": lambda pair: pair.left.postcode,
    "different_postcode": lambda pair: _both(pair.left.postcode, pair.right.postcode),
    "same_city": lambda pair: pair.left.city.title(),
    "different_city": lambda pair: _both(pair.left.city.title(), pair.right.city.title()),
    "same_phone": lambda pair: pair.left.phone,
    "different_phone": lambda pair: _both(pair.left.phone, pair.right.phone),
    "different_country": lambda pair: _both(pair.left.country or "", pair.right.country or ""),
    "same_tax_id": _tax_ids,
    "different_tax_id": _tax_ids,
}
