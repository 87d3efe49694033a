"""Reads `syncd.yaml` and everything it names into one `Settings`, or lists every mistake at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from syncd.errors import Problem, UserError
from syncd.settings.schema import Settings
from syncd.settings.validate import in_order, validate
from syncd.settings.yaml import Document, KeyPath, read_yaml


def load_settings(path: str | Path, env: Mapping[str, str] | None = None) -> Settings:
    """The settings of one file. Raises UserError with every problem.

    Files that it names (policy, mappings) are only read as YAML here; what they say is checked by whoever knows
    their models, with `read_yaml` and `validate`.
    """
    document = read_yaml(path, includes=False)
    file = Path(path).absolute()
    context = {"env": os.environ if env is None else env, "folder": file.parent, "file": file}
    settings, problems = validate(document, Settings, context)
    unreadable = (problem for named in named_files(document).values() for problem in _readable(named))
    found = in_order([*problems, *_joined(document), *unreadable])
    if settings is None or found:
        raise UserError(problems=found)
    settings._file = file
    return settings


def config_hash(settings: Settings) -> str:
    """A short hash of what the settings say: the same on every machine, and without any secret."""
    said = settings.model_dump(mode="json")
    said["policy"] = _relative(settings.policy, settings.folder)
    for name, connection in settings.connections.items():
        said["connections"][name]["mapping"] = _relative(connection.mapping, settings.folder)
    if settings.database.path is not None:
        said["database"] = "sqlite:///" + _relative(settings.database.path, settings.folder)
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def json_schema(model: type[BaseModel] = Settings) -> dict[str, Any]:
    """The JSON Schema of a file, for editors; of `syncd.yaml` unless another model is named."""
    schema = model.model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _joined(document: Document) -> Iterator[Problem]:
    """What is wrong between connections. Reads the raw document, so that it is found beside any other mistake."""
    connections = document.data.get("connections")
    if not isinstance(connections, dict) or not connections:
        if isinstance(connections, dict):
            yield document.problem(("connections",), "names no connection.", "Add at least a direct and a partner one.")
        return
    sections = {name: one for name, one in connections.items() if isinstance(one, dict)}
    yield from _roles(document, sections)
    yield from _emulators(document, sections)
    yield from _same_account(document, sections)


def _roles(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    if any(
        not _named_roles(one) or not _named_roles(one) <= {"direct", "partner", "both"} for one in sections.values()
    ):
        return  # said already; what is missing cannot be counted
    direct = [name for name, one in sections.items() if _has_role(one, "direct")]
    if not direct:
        remedy = "Give the vendor's own CRM `roles: [direct]`, or `[both]` if partners file there too."
        yield document.problem(("connections",), "no connection has the role direct.", remedy)
    if not any(_has_role(one, "partner") for one in sections.values()):
        remedy = "Give the system in which partners file `roles: [partner]`, or `[both]` to the direct one."
        yield document.problem(("connections",), "no connection has the role partner.", remedy)
    for name in direct[1:]:
        message = f"a second connection with the role direct; the first is `{direct[0]}`."
        yield document.problem(("connections", name, "roles"), message, "Keep one; the others can be partner.")


def _named_roles(section: dict[str, Any]) -> set[str]:
    roles = section.get("roles")
    return {str(role) for role in (roles if isinstance(roles, list) else [roles]) if role is not None}


def _has_role(section: dict[str, Any], role: str) -> bool:
    return not _named_roles(section).isdisjoint({role, "both"})


def _emulators(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    real = [name for name, one in sections.items() if one.get("emulator", False) is False]
    for name, one in sections.items():
        if one.get("emulator") is True and real:
            message = f"an emulator is not allowed beside a real connection (`{real[0]}`)."
            remedy = "Keep two settings files, one to rehearse and one that is real."
            yield document.problem(("connections", name, "emulator"), message, remedy)


def _same_account(document: Document, sections: Mapping[str, dict[str, Any]]) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for name, one in sections.items():
        host = one.get("host")
        if one.get("kind") != "salesforce" or not isinstance(host, str):
            continue
        first = seen.setdefault(host.lower().removeprefix("https://").strip("/"), name)
        if first != name:
            message = f"is the org of the connection `{first}` again."
            yield document.problem(("connections", name, "host"), message, "Use one connection with `roles: [both]`.")


def named_files(document: Document) -> dict[KeyPath, str]:
    """The policy and mapping files that the settings name, by key, as far as they exist; whatever else is wrong."""
    found = {}
    for key in _file_keys(document):
        name = document.value(key)
        path = os.path.join(os.path.dirname(document.file), name.strip()) if isinstance(name, str) else ""
        if os.path.isfile(path):
            found[key] = path
    return found


def _file_keys(document: Document) -> Iterator[KeyPath]:
    yield ("policy",)
    connections = document.data.get("connections")
    for name in connections if isinstance(connections, dict) else ():
        yield "connections", name, "mapping"


def _readable(path: str) -> tuple[Problem, ...]:
    try:
        return read_yaml(path).problems
    except UserError as error:
        return error.problems
