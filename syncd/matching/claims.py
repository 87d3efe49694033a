"""The claims that can be made about a pair of records. Each is a function that answers with its level, or None.

A claim's docstring is what people read; `points.csv` says what each level is worth. Levels of one claim exclude
each other. The details that follow the sentence come from `details.py`.
"""

from __future__ import annotations

from collections.abc import Callable

from rapidfuzz import fuzz

from syncd.matching.pairs import Pair
from syncd.matching.parse import Parsed
from syncd.matching.points import Cell

Claim = Callable[[Pair], str | None]

_SHARES = ((0.9, "nearly_all"), (0.78, "most"), (0.66, "two_thirds"), (0.54, "half"), (0.4, "less_than_half"),
           (0.22, "little"), (0.0, "hardly"))  # fmt: skip
_RARITY = ((7.0, "unique"), (3.5, "very_rare"), (0.5, "rare"), (-3.0, "uncommon"), (-6.5, "common"))


def same_name(pair: Pair) -> str | None:
    """The names are the same, legal form and spelling conventions aside"""
    if not (pair.have_names and pair.name.is_equal):
        return None
    left, right = pair.name.left, pair.name.right
    if left.typed != right.typed:
        return "equal"
    return "in_full" if left.forms == right.forms else "to_the_letter"


def words_agree(pair: Pair) -> str | None:
    """Part of the names agrees"""
    if not pair.have_names or pair.name.is_equal or not pair.name.shared:
        return None
    agreement = pair.name.agreement
    return next(level for least, level in _SHARES if agreement >= least)


def no_word_agrees(pair: Pair) -> str | None:
    """The names have no word in common"""
    return "none" if pair.have_names and not pair.name.shared else None


def person_and_company(pair: Pair) -> str | None:
    """One of them is a person, the other a company"""
    return "differ" if pair.left.is_person != pair.right.is_person else None


def both_are_people(pair: Pair) -> str | None:
    """Both are people, and many people share a name"""
    return "people" if pair.left.is_person and pair.right.is_person else None


def no_name(pair: Pair) -> str | None:
    """One of the records has no name"""
    return None if pair.have_names else "blank"


def rare_words_agree(pair: Pair) -> str | None:
    """Words that both names have"""
    if not pair.have_names or not pair.name.shared:
        return None
    beyond_chance = pair.name.common - pair.statistics.size_bits
    return next((level for least, level in _RARITY if beyond_chance >= least), "very_common")


def first_word_differs(pair: Pair) -> str | None:
    """The first words, which mostly carry the identity, are different"""
    if not pair.have_names or not pair.name.shared or pair.name.is_equal or pair.name.first_agrees:
        return None
    return "differs"


def typing_error(pair: Pair) -> str | None:
    """A shared word is spelt differently"""
    kinds = {kind for kind, _, _ in pair.name.bends}
    return next((kind for kind in ("typos", "typo", "joined", "plural") if kind in kinds), None)


def shortened_word(pair: Pair) -> str | None:
    """A word of one name looks like a short form of a word of the other"""
    kinds = {kind for kind, _, _ in pair.name.bends}
    return next((kind for kind in ("short", "cut") if kind in kinds), None)


def one_side_has_extra_words(pair: Pair) -> str | None:
    """One name has words that the other lacks"""
    name = pair.name
    if not pair.have_names or not name.shared or bool(name.left_extra) == bool(name.right_extra):
        return None
    kinds = pair.kinds[0] | pair.kinds[1]
    if kinds == {"own_city"}:
        return "own_city"
    return next((kind for kind in ("rare", "common", "place", "number") if kind in kinds), "optional")


def subsidiary_word(pair: Pair) -> str | None:
    """One name has a word by which companies of one group are told apart"""
    if not pair.have_names or not pair.name.shared:
        return None
    kinds = pair.kinds[0] ^ pair.kinds[1]
    return next((kind for kind in ("trade", "group", "own_country", "letter") if kind in kinds), None)


def both_have_own_words(pair: Pair) -> str | None:
    """Each name has words of its own"""
    name = pair.name
    if not (name.shared and name.left_extra and name.right_extra):
        return None
    least = min(name.left_bits, name.right_bits)
    return "weighty" if least > 11 else "telling" if least > 7 else "light"


def different_places(pair: Pair) -> str | None:
    """The names say different places"""
    return "differ" if "place" in pair.kinds[0] and "place" in pair.kinds[1] else None


def different_numbers(pair: Pair) -> str | None:
    """The names have different numbers"""
    left, right = pair.name.left.numbers, pair.name.right.numbers
    if left == right:
        return None
    return "conflict" if left and right and not (left & right) else "one_sided"


def found_by_other_name(pair: Pair) -> str | None:
    """The agreement is with a former, trading or short name"""
    return "other_name" if pair.is_other_name and pair.name.shared else None


def initials_agree(pair: Pair) -> str | None:
    """One name is the initials of the other"""
    for left in pair.left.names:
        for right in pair.right.names:
            short, long = (left, right) if len(left.joined) <= len(right.joined) else (right, left)
            initials = "".join(word[0] for word in long.folds)
            if len(short.folds) == 1 and len(initials) >= 3 and initials == short.joined:
                return "initials"
    return None


def same_legal_form(pair: Pair) -> str | None:
    """The legal forms are of the same kind"""
    return "same" if set(pair.name.left.families) & set(pair.name.right.families) else None


def different_legal_form(pair: Pair) -> str | None:
    """The legal forms are of different kinds"""
    left, right = pair.name.left.families, pair.name.right.families
    return "differ" if left and right and not set(left) & set(right) else None


def same_domain(pair: Pair) -> str | None:
    """Both use the same web domain"""
    if not pair.same_domain:
        return None
    users = pair.domain_users
    return "own" if users <= 2 else "few_names" if users <= 6 else "many_names"


def same_domain_label(pair: Pair) -> str | None:
    """The web domains differ only in their ending"""
    left, right = pair.left, pair.right
    return "label" if left.label and left.label == right.label and left.domain != right.domain else None


def different_domain(pair: Pair) -> str | None:
    """The web domains are different"""
    left, right = pair.left, pair.right
    if not (left.domain and right.domain) or left.label == right.label:
        return None
    short, long = sorted((left.label, right.label), key=len)
    return "alike" if len(short) >= 4 and short in long else "differ"


def domain_spells_name(pair: Pair) -> str | None:
    """The web domain of one spells the name of the other"""
    if pair.same_domain or pair.spelling is None:
        return None
    return "wholly" if pair.spelling[1] else "partly"


def same_postcode(pair: Pair) -> str | None:
    """Both have the same postcode"""
    if not pair.same_postcode:
        return None
    users = pair.postcode_users
    return "own" if users <= 2 else "few_names" if users <= 6 else "many_names"


def different_postcode(pair: Pair) -> str | None:
    """The postcodes are different"""
    left, right = pair.left.postcode, pair.right.postcode
    if not (left and right) or left == right:
        return None
    return "near" if left[:3] == right[:3] else "far"


def same_street_number(pair: Pair) -> str | None:
    """The addresses agree"""
    if pair.shared_numbers and pair.shared_street:
        return "number_and_street"
    return "words" if len(pair.shared_street) >= 2 else None


def different_street(pair: Pair) -> str | None:
    """The street addresses have nothing telling in common"""
    left, right = pair.left, pair.right
    if not (left.street and right.street) or pair.shared_street:
        return None
    return "differ"


def same_city(pair: Pair) -> str | None:
    """Both are in the same city"""
    left, right = pair.left.city, pair.right.city
    return "same" if left and right and (left == right or set(left.split()) & set(right.split())) else None


def different_city(pair: Pair) -> str | None:
    """The cities are different"""
    return "differ" if pair.left.city and pair.right.city and same_city(pair) is None else None


def same_phone(pair: Pair) -> str | None:
    """Both have the same telephone number"""
    left, right = pair.left.phone, pair.right.phone
    return "same" if left and right and left[-8:] == right[-8:] else None


def different_phone(pair: Pair) -> str | None:
    """The telephone numbers are different"""
    return "differ" if pair.left.phone and pair.right.phone and same_phone(pair) is None else None


def same_country(pair: Pair) -> str | None:
    """Both are in the same country"""
    return "same" if pair.left.country and pair.left.country == pair.right.country else None


def different_country(pair: Pair) -> str | None:
    """The countries are different"""
    left, right = pair.left.country, pair.right.country
    return "differ" if left and right and left != right else None


def same_tax_id(pair: Pair) -> str | None:
    """Both have the same tax or register number"""
    return "same" if set(pair.left.tax_ids) & set(pair.right.tax_ids) else None


def different_tax_id(pair: Pair) -> str | None:
    """The tax or register numbers are different"""
    if not (pair.left.tax_ids and pair.right.tax_ids) or same_tax_id(pair):
        return None
    kinds = {i.split(":")[0] for i in pair.left.tax_ids} & {i.split(":")[0] for i in pair.right.tax_ids}
    return "differ" if kinds - {"one"} else None  # a number of either field proves nothing when it differs


def other_name_at_same_place(pair: Pair) -> str | None:
    """Same place or web site under a name that hardly agrees: renamed, or a sister company"""
    return pair.where if pair.have_names and pair.name.agreement < 0.4 else None


def sister_at_same_place(pair: Pair) -> str | None:
    """Names that agree in part, at the same place or web site: the pattern of sister companies"""
    name = pair.name
    if not pair.have_names or name.agreement < 0.4 or not (name.left_extra or name.right_extra):
        return None
    if pair.where is None or pair.kinds[0] | pair.kinds[1] == {"own_city"}:
        return None
    return f"both_own_words_{pair.where}" if name.left_extra and name.right_extra else f"extra_words_{pair.where}"


def only_common_words_agree(pair: Pair) -> str | None:
    """All that agrees is common words of the names, and each has words of its own"""
    name = pair.name
    if not (name.shared and name.left_extra and name.right_extra) or pair.where is not None:
        return None
    if name.common >= pair.statistics.size_bits or same_phone(pair) or pair.spelling is not None:
        return None
    return "only"


_OPTIONAL = frozenset(("group", "own_country", "own_city", "letter"))


def nothing_but_names(pair: Pair) -> str | None:
    """There is nothing but the names to compare, and hardly anything tells them apart"""
    left, right, name = pair.left, pair.right, pair.name
    if not name.shared or any([getattr(left, field) and getattr(right, field) for field in _BESIDE_NAMES]):
        return None
    if not (name.left_extra or name.right_extra):
        return "spelling" if name.bends else "equal"
    is_one_sided = not (name.left_extra and name.right_extra)
    return "optional_words" if is_one_sided and pair.kinds[0] | pair.kinds[1] <= _OPTIONAL else None


_BESIDE_NAMES = ("domain", "postcode", "street", "city", "phone", "tax_ids")


_LIKENESS = ((90.0, "very_much"), (80.0, "much"), (65.0, "somewhat"), (50.0, "little"), (0.0, "not"))
_WITHIN = ((99.5, "wholly"), (90.0, "nearly"), (75.0, "mostly"), (60.0, "partly"), (45.0, "little"), (0.0, "not"))
_READS = ((99.0, "wholly"), (85.0, "mostly"), (65.0, "partly"), (45.0, "little"), (0.0, "not"))


def names_look_alike(pair: Pair) -> str | None:
    """The names look alike letter by letter"""
    if not pair.have_names or pair.name.is_equal:
        return None
    return _level(_LIKENESS, fuzz.ratio(pair.name.left.joined, pair.name.right.joined))


def name_within_name(pair: Pair) -> str | None:
    """One name is found within the other"""
    if not pair.have_names or pair.name.is_equal:
        return None
    return _level(_WITHIN, fuzz.partial_ratio(pair.name.left.joined, pair.name.right.joined))


def domain_reads_like_name(pair: Pair) -> str | None:
    """The only web domain and the name of the record without one, letter by letter"""
    left, right = pair.left, pair.right
    if not pair.have_names or pair.name.is_equal or bool(left.label) == bool(right.label):
        return None
    site, named = (left, right) if left.label else (right, left)
    other = max([fuzz.partial_ratio(site.label, name.joined) for name in named.names])
    own = max([fuzz.partial_ratio(site.label, name.joined) for name in site.names])
    lead = "_its_own_better" if own > other + 10 else "_better_than_its_own" if other > own + 10 else ""
    return _level(_READS, other) + lead


def domain_has_own_word(pair: Pair) -> str | None:
    """The web domain of one contains a word that only the other's name has"""
    name = pair.name
    return "own_word" if _contains(pair.left, name.right_extra) or _contains(pair.right, name.left_extra) else None


def _contains(site: Parsed, words: tuple[str, ...]) -> bool:
    return bool(site.label) and any([len(word) >= 4 and word in site.label for word in words])


def _level(levels: tuple[tuple[float, str], ...], value: float) -> str:
    return next(level for least, level in levels if value >= least)


CLAIMS: tuple[Claim, ...] = (
    same_name,
    words_agree,
    no_word_agrees,
    no_name,
    person_and_company,
    both_are_people,
    rare_words_agree,
    first_word_differs,
    typing_error,
    shortened_word,
    one_side_has_extra_words,
    subsidiary_word,
    both_have_own_words,
    different_places,
    different_numbers,
    found_by_other_name,
    initials_agree,
    same_legal_form,
    different_legal_form,
    same_domain,
    same_domain_label,
    different_domain,
    domain_spells_name,
    same_postcode,
    different_postcode,
    same_street_number,
    different_street,
    same_city,
    different_city,
    same_phone,
    different_phone,
    same_country,
    different_country,
    same_tax_id,
    different_tax_id,
    other_name_at_same_place,
    sister_at_same_place,
    only_common_words_agree,
    nothing_but_names,
    names_look_alike,
    name_within_name,
    domain_reads_like_name,
    domain_has_own_word,
)


_NAMED = tuple((claim.__name__, claim) for claim in CLAIMS)


def cells(pair: Pair) -> tuple[Cell, ...]:
    """Every claim that holds for a pair, with its level."""
    return tuple([(name, level) for name, claim in _NAMED if (level := claim(pair)) is not None])
