"""Reads a YAML file into plain values and remembers on which line each key stands, so that a mistake can be pointed at.

Plain YAML 1.2 only: keys are always text, dates stay text until a model reads them, and nothing in a file can
create an object.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from syncd.errors import Problem, UserError

KeyPath = tuple[str | int, ...]

_MAX_BYTES = 4_000_000
_MAX_NODES = 200_000  # aliases can make a small file enormous
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """What a YAML file says: plain values, the place of every key, and the mistakes that did not stop the reading.

    `problems` are added to those of the model by `validate`.
    """

    file: str
    data: dict[str, Any]
    places: Mapping[KeyPath, tuple[str, int]] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def place(self, path: KeyPath) -> tuple[str, int | None]:
        """File and line of a key, or of the nearest section around it when the key itself is missing."""
        for length in range(len(path), 0, -1):
            if found := self.places.get(path[:length]):
                return found
        return self.file, 1 if self.data else None

    def value(self, path: KeyPath) -> Any:
        """The value at `path`, None where there is none."""
        here: Any = self.data
        for step in path:
            try:
                here = here[step]
            except (KeyError, IndexError, TypeError):
                return None
        return here

    def problem(self, path: KeyPath, message: str, remedy: str = "") -> Problem:
        """A mistake at one key of this document."""
        file, line = self.place(path)
        return Problem(file, line, dotted(path), message, remedy)


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `connections.crm.roles[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_yaml(path: str | Path, *, includes: bool = True) -> Document:
    """Read one file and, with `includes`, the files its top-level `include:` names (a path or a list of paths).

    Included values are merged below the file's own, section by section. Raises UserError when the file itself
    cannot be read; what is wrong with an include is kept in `problems`.
    """
    return _read(Path(path), includes, ())


@lru_cache(maxsize=16)  # settings look at the files they name before those who know their models do
def parse_yaml(text: str, file: str) -> Document:
    """Read YAML from a text; `file` is only how it is called in messages. Raises UserError."""
    root = _compose(text, file)
    if root is None:
        raise UserError(problems=(Problem(file, None, "", "the file is empty.", "Start from the example in config/."),))
    if not isinstance(root, MappingNode):
        remedy = "Start with lines of the form `key: value`, not with a list or a bare text."
        raise UserError(problems=(Problem(file, _line(root), "", "the file has no keys.", remedy),))
    builder = _Builder(file)
    data = builder.value(root, (), ())
    return Document(file, data, builder.places, tuple(builder.problems))


def _read(path: Path, includes: bool, chain: tuple[Path, ...]) -> Document:
    document = parse_yaml(_text(path), str(path))
    if not includes or "include" not in document.data:
        return document
    return _with_includes(document, path, (*chain, path.resolve()))


def _text(path: Path) -> str:
    problem: tuple[str, str]
    try:
        if path.stat().st_size > _MAX_BYTES:
            problem = "the file is too large for a settings file.", "Is it the right file?"
        else:
            return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        problem = "there is no such file.", "Check the path; the examples in config/ give a first one."
    except IsADirectoryError:
        problem = "this is a folder, not a file.", "Name the file inside it."
    except UnicodeDecodeError:
        problem = "the file is not UTF-8 text.", "Save it again as UTF-8 (in Notepad: Save as, Encoding UTF-8)."
    except OSError as error:
        problem = f"the file cannot be read ({error.strerror}).", "Check its access rights."
    raise UserError(problems=(Problem(str(path), None, "", *problem),))


def _with_includes(document: Document, path: Path, chain: tuple[Path, ...]) -> Document:
    """The document on top of everything it includes; a later include wins over an earlier one."""
    data: dict[str, Any] = {}
    places: dict[KeyPath, tuple[str, int]] = {}
    problems: list[Problem] = []
    for key, name in _included(document):
        below = _one_include(document, key, name, path, chain)
        if isinstance(below, tuple):
            problems.extend(below)
            continue
        data = _merged(data, below.data)
        places.update(below.places)
        problems.extend(below.problems)
    own = {key: value for key, value in document.data.items() if key != "include"}
    places.update(document.places)
    return Document(document.file, _merged(data, own), places, (*document.problems, *problems))


def _included(document: Document) -> Iterator[tuple[KeyPath, Any]]:
    names = document.data["include"]
    if isinstance(names, list):
        yield from ((("include", number), name) for number, name in enumerate(names))
    else:
        yield ("include",), names


def _one_include(
    document: Document, key: KeyPath, name: Any, path: Path, chain: tuple[Path, ...]
) -> Document | tuple[Problem, ...]:
    if not isinstance(name, str) or not name.strip():
        return (document.problem(key, "must be the path of a file.", "For example `include: base.yaml`."),)
    target = Path(os.path.normpath(path.parent / name))
    if target.resolve() in chain:
        ring = [*chain[chain.index(target.resolve()) :], target.resolve()]
        message = f"these files include each other in a circle: {' -> '.join(step.name for step in ring)}."
        return (document.problem(key, message, "Take out one of the `include:` lines."),)
    if not target.is_file():
        return (document.problem(key, f"there is no file `{name}` beside this one.", "Correct the path."),)
    try:
        return _read(target, True, chain)
    except UserError as error:
        return error.problems


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(value, dict) and isinstance(under, dict)
        merged[key] = _merged(under, value) if both else value  # type: ignore[arg-type]
    return merged


def _compose(text: str, file: str) -> Node | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # ruamel warns of a reused anchor, which is allowed
            return YAML(typ="rt", pure=True).compose(text)  # type: ignore[no-any-return]
    except RecursionError:
        raise UserError(problems=(Problem(file, None, "", "the sections are nested too deeply."),)) from None
    except YAMLError as error:
        raise UserError(problems=_syntax(error, text, file)) from None


def _syntax(error: YAMLError, text: str, file: str) -> tuple[Problem, ...]:
    """A YAML error in plain words; tabs are by far the most common one, so all of them are listed."""
    tabs = [n for n, line in enumerate(text.splitlines(), 1) if "\t" in line[: len(line) - len(line.lstrip())]]
    if tabs:
        message = "the line is indented with a tab, which YAML does not allow."
        return tuple(Problem(file, n, "", message, "Use two spaces for each step instead.") for n in tabs[:20])
    if isinstance(error, ReaderError):
        message = "the file contains a character that YAML does not allow."
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        return (Problem(file, line, "", message, "Delete it, or save the file again as plain UTF-8 text."),)
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return (Problem(file, None, "", "this is not YAML.", "Compare it with the example in config/."),)
    message, remedy = _words(str(error.problem or ""), str(error.context or ""))
    mark = error.context_mark if "while scanning a quoted" in str(error.context) else error.problem_mark
    return (Problem(file, (mark or error.problem_mark).line + 1, "", message, remedy),)


def _words(problem: str, context: str) -> tuple[str, str]:
    if "quoted scalar" in context:
        return "a quotation mark is opened here and never closed.", "Close it."
    if "mapping values are not allowed" in problem:
        return "a colon stands where none can, or the line is indented wrongly.", (
            "Line it up with its neighbours; put quotes around a value that contains `: `."
        )
    if "flow" in context:
        return "a bracket or brace is opened and never closed properly.", (
            "Close it; put quotes around values with brackets in them, such as `${env:...}`."
        )
    if "cannot start any token" in problem:
        return f"a value cannot start with {problem.split()[2]}.", "Put quotes around the value."
    if "expected <block end>" in problem:
        return "the line is indented differently from its neighbours.", "Line it up with the keys it belongs to."
    if "undefined alias" in problem:
        return f"{problem.replace('found undefined alias', 'nothing is named')}.", (
            "A value that starts with `*` needs quotes."
        )
    if "another document" in problem:
        return "a second document starts here (`---`).", "Keep one document in the file."
    return f"this is not YAML: {problem.strip() or context.strip()}.", "Check the indentation and the line above."


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


class _Builder:
    """Turns YAML nodes into plain values, keeping the place of every key and collecting what is wrong."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[KeyPath, tuple[str, int]] = {}
        self.problems: list[Problem] = []
        self._nodes = 0

    def value(self, node: Node, path: KeyPath, above: tuple[Node, ...]) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            message = "the file grows without bounds through its aliases (`*name`)."
            raise UserError(problems=(Problem(self.file, _line(node), dotted(path), message, "Write the values out."),))
        if any(node is outer for outer in above):
            self._note(node, path, "the value contains itself through an alias (`*name`).", "Write the values out.")
            return None
        if isinstance(node, MappingNode):
            return self._section(node, path, (*above, node))
        if isinstance(node, SequenceNode):
            return self._list(node, path, (*above, node))
        return self._scalar(cast(ScalarNode, node), path)

    def _section(self, node: MappingNode, path: KeyPath, above: tuple[Node, ...]) -> dict[str, Any]:
        section: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode) or str(key.tag) == _TAG + "merge":
                self._note(
                    key, path, "a key must be a plain word.", "Write `key: value`; YAML merges are not supported."
                )
                continue
            name = str(key.value)
            here = (*path, name)
            if name in section:
                first = self.places[here][1]
                message = f"the key `{name}` stands here a second time; the first is on line {first}."
                self._note(key, here, message, "Keep one of the two.")
                continue
            self.places[here] = self.file, _line(key)
            section[name] = self.value(value, here, above)
        return section

    def _list(self, node: SequenceNode, path: KeyPath, above: tuple[Node, ...]) -> list[Any]:
        items = []
        for number, item in enumerate(node.value):
            here = (*path, number)
            self.places[here] = self.file, _line(item)
            items.append(self.value(item, here, above))
        return items

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Any:
        text, tag = str(node.value), str(node.tag).removeprefix(_TAG)
        try:
            return _SCALARS[tag](text)
        except KeyError:
            self._note(node, path, f"the tag `{tag}` means nothing here.", "Remove it; put quotes around the value.")
        except ValueError:
            self._note(node, path, "this is not a number.", "Put quotes around the value if it is meant as text.")
        return None

    def _note(self, node: Node, path: KeyPath, message: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, _line(node), dotted(path), message, remedy))


def _int(text: str) -> int:
    plain = text.replace("_", "")
    return int(plain, 0) if plain.lstrip("+-")[:2].lower() in ("0x", "0o", "0b") else int(plain)


def _float(text: str) -> float:
    return float(text.lower().replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))


_SCALARS: Mapping[str, Any] = {
    "str": str,
    "timestamp": str,  # a date is read by the model that wants one
    "int": _int,
    "float": _float,
    "bool": lambda text: text.lower() == "true",
    "null": lambda text: None,
}
