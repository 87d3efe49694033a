"""Salesforce ids: 15 characters whose case matters, or 18 with a suffix that says the case. Only 18 are kept."""

from __future__ import annotations

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def long_id(text: str) -> str | None:
    """The 18-character form; None for what is no id, or has a suffix that does not fit."""
    if not (text.isascii() and text.isalnum() and len(text) in (15, 18)):
        return None
    whole = text[:15] + "".join(_suffix(text[start : start + 5]) for start in (0, 5, 10))
    return whole if len(text) == 15 or text == whole else None


def _suffix(block: str) -> str:
    return _ALPHABET[sum(1 << place for place, letter in enumerate(block) if letter.isupper())]
