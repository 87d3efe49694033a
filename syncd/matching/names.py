"""Reads a company's name: what distinguishes it, in words that can be compared, and its legal form apart."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from anyascii import anyascii
from rapidfuzz.distance import OSA

from syncd.matching.tables import (
    ABBREVIATIONS,
    CITIES,
    CONJUNCTIONS,
    COUNTRY_NAMES,
    COUNTRY_WORDS,
    GROUP_WORDS,
    INNER,
    LAST_ROMAN,
    LEGAL,
    NUMBER_WORDS,
    ORDINALS,
    PLACEHOLDERS,
    ROMAN,
    STOP,
    TENS,
    TRADE_WORDS,
)

LONGEST_NAME = 240  # characters read of a name; what follows distinguishes nobody
MOST_WORDS = 16
LONGEST_WORD = 40

_DROPPED = re.compile(r"[\x00-\x1f\x7f]+")
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ`´′＇", "'"))
_ELISION = re.compile(r"\b[ld]'(?=[aeiouh])")
_DOTTED = re.compile(r"\b[a-z](?:\.[a-z])+\b\.?")
_SPACED = re.compile(r"(?:\b[a-z]\.\s+){1,4}[a-z]\.?$")  # a form written `N. V.` at the end
_WEB_ENDING = re.compile(r"(?<=[a-z0-9]{2})\.(?:com|net|org|io|de|fr|it|es|nl|ch|at|co\.uk|com\.br)\b")
_WORD = re.compile(r"[a-z0-9]+")
_ORDINAL = re.compile(r"^(\d+)(?:st|nd|rd|th)$")
_ALIAS = re.compile(
    r"[\s,;(\[]+(?:trading as|t/as?|d/b/a|dba|d\.b\.a\.?|doing business as|formerly known as|formerly|f/k/a|fka|"
    r"previously known as|previously|n/k/a|now known as|also known as|known as|a/k/a|aka|c/o|acting through|"
    r"ehemals|vormals|anciennement|antes|fruher|firmierend als|already known as)[\s:]+",
    re.IGNORECASE,
)
_AMPERSAND = re.compile(r"&amp\b;?")
_GLUED = re.compile(r"(?<=[a-z]{4})(?=(?:n\.\s?v|b\.\s?v|s\.\s?a|s\.\s?r\.\s?l|s\.\s?p\.\s?a|g\.m\.b\.h)\.?(?:$|,))")
_SEAT = re.compile(
    r"^(.{4,}?)\s*(?:[,;]+\s*(?:te |in |zu |a )?|\.?\s+te\s+)([a-z' /.-]{3,40}?)\.?(?:\s*[,(\[]\s*([a-z]{2})[)\]]?)?$"
)
_LAND = re.compile(r"^(.{4,}?)\s*[,;(\[]+\s*([a-z]{2})\s*[)\]]?$")
_BRACKET = re.compile(r"[(\[]([^()\[\]]{2,12})[)\]]")
_STATUS = re.compile(
    r"[(\[]\s*(?:closed|inactive|duplicate|dup|do not use|old|obsolete|archived|merged|in administration|"
    r"in liquidation|in receivership|deleted|dormant|i l|i a|in liquidazione|"
    r"en liquidation|in insolvenz|en concurso)\s*[)\]]"
    r"|\s-+\s*(?:do not use|closed|duplicate|inactive)\s*$"
)
_NATIVE_FORMS = re.compile(
    "株式会社|有限会社|合同会社|合名会社|合资公司|合資会社|股份有限公司|股份有限责任公司|有限责任公司|有限責任公司|股份公司|有限公司"
    "|주식회사|유한회사|유한책임회사|\\(주\\)|\\(유\\)|\\(株\\)|\\(有\\)|㈜|㈱|㈲"
    "|บริษัท|ห้างหุ้นส่วนจำกัด|จำกัด|\\(มหาชน\\)"
    "|\\bבע[\"״'׳]{1,2}מ|\\bش\\s*\\.\\s*م\\s*\\.\\s*[ممعكخق]\\b\\.?|\\bذ\\s*\\.\\s*م\\s*\\.\\s*م\\b\\.?|\\bالمحدودة\\b"
    "|შპს|ՍՊԸ|ՓԲԸ|ԲԲԸ"
)
_GROUPS = re.compile("(?:企业)?集团|集團|グループ|그룹")  # in these scripts no space parts the word from its neighbours
_LONG_FORMS = sorted(form[0] for form in LEGAL.end if len(form) == 1 and len(form[0]) >= 7)
_UMLAUT = re.compile(r"([aou])(?:e+|(?<=a)a+e*)")


@dataclass(frozen=True, slots=True)
class Name:
    """One name of a company, ready to be compared.

    `words` are its distinguishing words in order; `folds` the same with both spellings of umlauts made one;
    `joined` the folds without spaces; `families` the kinds of legal form that were taken off and `forms`
    its words; `typed` the letters as typed, before abbreviations and numbers were unified.
    """

    words: tuple[str, ...]
    folds: tuple[str, ...]
    joined: str
    families: tuple[str, ...] = ()
    typed: str = ""
    numbers: frozenset[str] = frozenset()
    forms: tuple[str, ...] = ()

    @classmethod
    def of(cls, words: tuple[str, ...], families: tuple[str, ...] = (), typed: str = "",
           forms: tuple[str, ...] = ()) -> Name:  # fmt: skip
        """A name from its words."""
        folds = tuple(fold(word) for word in words)
        numbers = frozenset(word for word in words if word.isdigit())
        joined = "".join(folds)
        return cls(words, folds, joined, families, typed or joined, numbers, forms)


def fold(word: str) -> str:
    """`Suedzucker` and `Südzucker`, `Stroeer` and `Ströer` become one: an e after a, o, u and a second a go."""
    if len(word) > 3 and ("ae" in word or "oe" in word or "ue" in word or "aa" in word):
        return _UMLAUT.sub(r"\1", word)
    return word


def plain(text: str | None, longest: int = LONGEST_NAME) -> str:
    """Lower-case ASCII letters, with control characters, emoji and other signs made spaces."""
    if not text:
        return ""
    text = text[:longest]
    if text.isascii():
        return (text if text.isprintable() else _DROPPED.sub(" ", text)).lower()
    text = unicodedata.normalize("NFKC", text.translate(_APOSTROPHES))[: 2 * longest]
    text = _GROUPS.sub(" group ", _NATIVE_FORMS.sub(" ", text)).translate(_LETTERS)[: 2 * longest]
    return _DROPPED.sub(" ", text).lower()


class _Letters(dict[int, str]):
    """What a sign is read as: letters in ASCII, other signs as spaces; filled as signs are met."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        is_mark = unicodedata.category(sign).startswith("M")  # vowel signs are part of a word in many scripts
        read = anyascii(sign) if sign.isalnum() or is_mark or sign in _KEPT else " "
        if code > 0x7F and (is_mark or sign.isalpha()):
            read = "".join(letter for letter in read if letter.isalnum())  # no sign for a guttural parts a word
        if len(self) < 20_000:
            self[code] = read
        return read


_KEPT = frozenset(" '.,;:/()[]&+-_|")
_LETTERS = _Letters()


def names_of(name: str | None, others: tuple[str, ...] = (), country: str | None = None) -> tuple[Name, ...]:
    """All names of a company, the main one first: also what it trades as, was called before, and its acronym."""
    found: list[Name] = []
    for text in (name, *others[:4]):
        for part in _alternatives(text):
            read = read_name(part, country)
            if read is not None and all(read.folds != other.folds for other in found):
                found.append(read)
    return tuple(found[:5])


_LATIN = re.compile(r"[^\W\d_]*[A-Za-z\u00c0-\u024f][^\W\d_]*")
_NATIVE = re.compile(r"[\u0370-\u1fff\u3040-\ud7ff\uf900-\ufaff]+")


def _scripts(text: str) -> list[str]:
    """`北京哈尔登 (Beijing Halden)`: a name that is given in two scripts is two names."""
    if text.isascii() or not _NATIVE.search(text):
        return []
    latin = _NATIVE.sub(" ", text)
    native = _LATIN.sub(" ", text)
    letters = sum(map(str.isalpha, latin)), sum(map(str.isalpha, native))
    return [latin, native] if letters[0] >= 4 and letters[1] >= 2 else []


def _alternatives(text: str | None) -> list[str]:
    if not text:
        return []
    text = text[:LONGEST_NAME]
    scripts = [name for name in _scripts(text) if read_name(name) is not None]
    if len(scripts) == 2:
        return scripts
    parts = [part for part in _ALIAS.split(text) if part.strip()][:4]
    bracket = _BRACKET.search(parts[0]) if parts and ("(" in text or "[" in text) else None
    if bracket and _is_acronym_of(bracket.group(1), parts[0][: bracket.start()]):
        parts = [parts[0].replace(bracket.group(0), " "), bracket.group(1), *parts[1:]]
    return parts


def _is_acronym_of(short: str, long: str) -> bool:
    letters = short.strip()
    initials = "".join(word[0] for word in _WORD.findall(plain(long)))
    return letters.isupper() and letters.isalpha() and len(initials) >= 3 and initials[0] == letters[0].lower()


def seat_of(text: str | None) -> str:
    """The seat that registers put behind the legal form, as in `Halden N.V., Rotterdam, NL`; blank without one."""
    return _without_seat(plain(text))[1] if text and ("," in text or ";" in text or " te " in text.lower()) else ""


def _without_seat(simple: str) -> tuple[str, str]:
    """A name up to its legal form, and the place that stands behind; the code of a country alone is dropped."""
    found = _SEAT.match(simple)
    if found and _has_form(found.group(1)) and _is_place(found.group(2)):
        return found.group(1), found.group(2).strip()
    found = _LAND.match(simple)
    if found and found.group(2).upper() in COUNTRY_NAMES and _has_form(found.group(1)):
        return found.group(1), ""
    return simple, ""


def _has_form(text: str) -> bool:
    """Whether a legal form begins or ends it: then it is a whole name."""
    tokens = _tokens(text)
    if len(tokens) > 1 and tuple(tokens[:1]) in LEGAL.lead:
        return True
    return any(tuple(tokens[-length:]) in LEGAL.end for length in range(1, min(LEGAL.longest, len(tokens) - 1) + 1))


def _is_place(text: str) -> bool:
    """Few words, none of which says what a company does or what form it has."""
    words = _WORD.findall(text.replace("'", ""))
    dull = GROUP_WORDS | TRADE_WORDS
    known = (tuple(words), *((word,) for word in words))
    return 1 <= len(words) <= 4 and dull.isdisjoint(words) and not any(run in LEGAL.end for run in known)


def read_name(text: str | None, country: str | None = None) -> Name | None:
    """One name read; None when the text is blank or a placeholder such as `n/a` or `test`."""
    simple = plain(text)
    if "," in simple or ";" in simple or "[" in simple or "(" in simple or " te " in simple:
        simple = _without_seat(simple)[0]
    simple = _STATUS.sub(" ", simple).strip(" .,;:-").removeprefix("www.")
    if not simple or simple in PLACEHOLDERS:
        return None
    tokens = _tokens(simple)
    if not tokens or all(token in PLACEHOLDERS for token in tokens):
        return None
    core, families = strip_forms(tokens, country)
    forms = tuple(sorted(set(tokens) - set(core))) if families else ()
    return Name.of(_canonical(core), families, fold("".join(core)), forms)


def _tokens(simple: str) -> list[str]:
    if "&" in simple:
        simple = _AMPERSAND.sub("&", simple)
    if "'" in simple:
        simple = _ELISION.sub("", simple).replace("'", "")
    if "." in simple:
        simple = _GLUED.sub(" ", simple)
        simple = _SPACED.sub(lambda found: re.sub(r"[.\s]", "", found.group()), simple)
        simple = _DOTTED.sub(lambda found: found.group().replace(".", "") + " ", simple)
        simple = _WEB_ENDING.sub("", simple)
    words = [word[:LONGEST_WORD] for word in _WORD.findall(simple)[: 2 * MOST_WORDS]]
    kept = [word for at, word in enumerate(words) if word not in CONJUNCTIONS and not _joins(words, at)]
    if len(kept) > 1 and "the" in (kept[0], kept[-1]):  # `Palm, The`
        del kept[0 if kept[0] == "the" else -1]
    return _merge_letters(kept or words)[:MOST_WORDS]


def _joins(words: list[str], at: int) -> bool:
    """`Hijos y Padres`, `Fiat e Alfa`: and, where it stands between two words; elsewhere it may be an initial."""
    return words[at] in INNER and 0 < at < len(words) - 1 and len(words[at - 1]) > 1 and len(words[at + 1]) > 1


def _merge_letters(words: list[str]) -> list[str]:
    """`N. V.` and `D S M` are one word each."""
    merged: list[str] = []
    run = ""
    for word in words:
        if len(word) == 1 and word.isalpha():
            run += word
            continue
        if run:
            merged.append(run)
            run = ""
        merged.append(word)
    return [*merged, run] if run else merged


def strip_forms(tokens: list[str], country: str | None = None) -> tuple[list[str], tuple[str, ...]]:
    """The words without legal forms, and the families of the forms; the last word always stays."""
    families: list[str] = []
    core = _strip_end(tokens, families)
    core = _strip_lead(core, families, country, bool(families))
    core = _strip_inside(core, families)
    return core, tuple(dict.fromkeys(families))


def _strip_end(tokens: list[str], families: list[str]) -> list[str]:
    core = list(tokens)
    if len(core) > 1 and tuple(core[-1:]) not in LEGAL.end and _mistyped_form(core[-1]):
        core[-1] = _mistyped_form(core[-1])
    again = True
    while again and len(core) > 1:
        again = False
        for length in range(min(LEGAL.longest, len(core) - 1), 0, -1):
            family = LEGAL.end.get(tuple(core[-length:]))
            if family:
                families.append(family)
                del core[-length:]
                again = True
                break
    return core


@lru_cache(maxsize=65536)
def _mistyped_form(word: str) -> str:
    """The long legal form that a last word such as `Limtied` was meant to be; blank when there is none."""
    if len(word) < 6:
        return ""
    near = (form for form in _LONG_FORMS if form[0] == word[0] and abs(len(form) - len(word)) <= 2)
    return next((form for form in near if OSA.distance(form, word) <= (2 if len(form) >= 12 else 1)), "")


def _strip_lead(tokens: list[str], families: list[str], country: str | None, has_form: bool) -> list[str]:
    for length in range(min(LEGAL.longest, len(tokens) - 1), 0, -1):
        form = tuple(tokens[:length])
        found = LEGAL.lead.get(form)
        if length > 1 and form in LEGAL.anywhere:
            found = (LEGAL.anywhere[form], frozenset())
        if found and (not found[1] or country in found[1] or (country is None and not has_form)):
            families.append(found[0])
            return tokens[length:]
    return tokens


def _strip_inside(tokens: list[str], families: list[str]) -> list[str]:
    core, at = list(tokens), 1
    while at < len(core):
        for length in range(min(LEGAL.longest, len(core) - at), 0, -1):
            family = LEGAL.anywhere.get(tuple(core[at : at + length]))
            if family:
                families.append(family)
                del core[at : at + length]
                break
        else:
            at += 1
    return core


def _canonical(core: list[str]) -> tuple[str, ...]:
    telling = [word for word in core if word not in STOP]
    kept = telling if len("".join(telling)) > 2 else core  # `El.En.` keeps both
    return tuple(_join_tens([_canonical_word(word, at, len(kept)) for at, word in enumerate(kept)]))


def _canonical_word(word: str, at: int, length: int) -> str:
    if length > 1 and word in ABBREVIATIONS:
        return ABBREVIATIONS[word]
    ordinal = _ORDINAL.match(word)
    if ordinal or word in ORDINALS:
        return f"{ordinal.group(1) if ordinal else ORDINALS[word]}th"
    if word in NUMBER_WORDS:
        return NUMBER_WORDS[word]
    if at and (word in ROMAN or (at == length - 1 and word in LAST_ROMAN)):
        return ROMAN.get(word) or LAST_ROMAN[word]
    if word in CITIES and (at or len(word) > 4):
        return CITIES[word].replace(" ", "")
    if word in COUNTRY_WORDS:
        return COUNTRY_NAMES[COUNTRY_WORDS[word]]
    return word.lstrip("0") or word if word.isdigit() else word


def _join_tens(words: list[str]) -> list[str]:
    out: list[str] = []
    for word in words:
        if out and out[-1] in TENS and len(word) == 1 and word.isdigit():
            out[-1] = str(int(TENS[out[-1]]) + int(word))
        else:
            out.append(word)
    return [TENS.get(word, word) for word in out]
