"""Finds out whether the exports hold everything that is mapped, without reading more than their headers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from syncd.connectors.files.cells import read_sheet
from syncd.connectors.files.folder import Folder
from syncd.connectors.files.headers import Headers
from syncd.connectors.files.rows import Form, Rows
from syncd.errors import Retry, UserError
from syncd.model import MissingField, ObjectAccess, ReadSpec

REASON = (
    "There is no API here: exports come in, import files go out. What is written counts as made when it stands in an "
    "import file; the next export shows whether it was imported."
)


def read_problems(folder: Folder, forms: Mapping[str, Form], spec: ReadSpec, now: datetime) -> Iterator[str]:
    """What keeps one stream from being read."""
    if spec.object not in forms:
        yield no_object(spec.object, forms)
        return
    form = forms[spec.object]
    try:
        headers = newest_headers(folder, form, now)
    except UserError as error:
        yield str(error)
        return
    if headers is None:
        yield f"No export of {spec.object} has come yet. Put a file named {form.said.files} into {folder.path}."
        return
    associated = (f"associations.{name}" for name in spec.associations)
    for name in dict.fromkeys([*spec.fields, *spec.where, *associated]):
        if headers.find(name) is None:
            yield _no_column(spec.object, name)


def write_problems(
    folder: Folder, forms: Mapping[str, Form], object_: str, fields: Sequence[str], now: datetime
) -> Iterator[str]:
    """What keeps fields of one object from being written: import files have the columns that the exports have."""
    if object_ not in forms:
        yield no_object(object_, forms)
        return
    try:
        headers = newest_headers(folder, forms[object_], now)
    except UserError:
        return  # said for the stream that reads it
    for name in dict.fromkeys(fields):
        if headers is not None and headers.find(name) is None:
            yield _no_column(object_, name)
    if not os.access(folder.out if folder.out.exists() else folder.out.parent, os.W_OK):
        yield f"{folder.out} cannot be written. Give this user the right, or name another folder as `out`."


def newest_headers(folder: Folder, form: Form, now: datetime) -> Headers | None:
    """The headers of the newest export that is there; None where there is none. Raises UserError."""
    found = folder.found(form.said.files, now)
    if not found:
        return None
    try:
        with folder.opened(found[-1]) as file, read_sheet(file, found[-1].name, form.said.sheet) as table:
            return Rows(table, found[-1].name, form, ()).headers
    except Retry:
        return None  # it went away just now; whoever pulls meets it or does not


def access(object_: str, form: Form, records: int | None) -> ObjectAccess:
    """What is visible of one object: what the export was made to hold."""
    if form.said.complete:
        evidence = "The settings say that each export holds every record; nothing proves it."
    else:
        evidence = "An export shows what its filter lets through, which nothing here can tell."
    return ObjectAccess(object_, None, evidence, records)


def no_object(object_: str, forms: Mapping[str, Form]) -> str:
    """The sentence for an object that the settings do not know."""
    known = ", ".join(forms)
    return (
        f"The settings name no exports of {object_}. Add it to `files.objects`, or correct `object` (there: {known})."
    )


def _no_column(object_: str, name: str) -> MissingField:
    sentence = (
        f"The newest export of {object_} has no column for {name}. Add it to the export, name its header under "
        "`columns` in the settings, or correct it in the mapping."
    )
    return MissingField(sentence, object_, name)
