"""A layout file becomes a `Layout`, or every error in it at once, each with its line and what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from cards import bar, check, model
from cards.canonical import with_digest
from cards.errors import LogicienneError
from cards.freeze import layout_of
from cards.layout import Layout

SHIPPED = Path(__file__).parent / "layouts"
PRINTED = "printed.json"
"""Beside the designs: identity → digest of every version that has been printed."""
MAX_BYTES = 256 * 1024
"""The largest card here takes 30 kB; more is no layout."""
MAX_DEPTH = 16


@dataclass(frozen=True)
class Problem:
    """One error: where it stands (line and column from 1), which part of the layout, what is wrong and what to do."""

    file: str
    line: int
    column: int
    where: str
    message: str

    def __str__(self) -> str:
        """`layout.yaml:12:7: questions[3].choices[1].at: message`."""
        return f"{self.file}:{self.line}:{self.column}: " + (f"{self.where}: " if self.where else "") + self.message


class LayoutError(LogicienneError, ValueError):
    """A layout that cannot be used. `problems`: all that is wrong with it, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.line, p.column)))
        super().__init__("\n".join(map(str, self.problems)))


def shipped() -> dict[str, Path]:
    """Layout id → file, of the designs that come with the program."""
    return {path.parent.name: path for path in sorted(SHIPPED.glob("*/layout.yaml"))}


def find_layout(name: str) -> Layout:
    """A shipped layout by id (`stadslogistiek`, `stadslogistiek@1`), or any by the path of its file or folder.

    An earlier version lies beside the current `layout.yaml` as `v<version>.yaml`. Raises `LayoutError`.
    """
    path = Path(name)
    if path.is_dir():
        path = path / "layout.yaml"
    if path.is_file():
        return load_layout(path)
    known = shipped()
    wanted, _, version = name.partition("@")
    if wanted in known:
        layout = load_layout(known[wanted])
        if version in ("", str(layout.version)):
            return layout
        earlier = known[wanted].with_name(f"v{version}.yaml")
        if version.isdigit() and earlier.is_file():
            return load_layout(earlier)
        there = ", ".join(y.identity for y in versions(known[wanted].parent))
        raise LayoutError([Problem(name, 1, 1, "", f"of {wanted} the program comes with {there}")])
    raise LayoutError([Problem(name, 1, 1, "", f"no such file, and no shipped layout; there are: {', '.join(known)}")])


@cache
def versions(folder: Path) -> tuple[Layout, ...]:
    """Every version of a design that lies in a folder: `layout.yaml` and the earlier `v<version>.yaml`.

    Raises `LayoutError`.
    """
    return tuple(load_layout(path) for path in (*folder.glob("layout.yaml"), *sorted(folder.glob("v[0-9]*.yaml"))))


def catalogue(layouts: Sequence[Layout]) -> tuple[Layout, ...]:
    """All that a card may turn out to be beside these layouts, for naming what is refused: shipped ones, and versions
    that lie beside theirs. Nothing when none of them names itself by a code, for then no card can be told by one.

    Raises `LayoutError`.
    """
    if all(y.identify.by == "none" for y in layouts):
        return ()
    folders = dict.fromkeys([y.folder for y in layouts if y.folder] + [path.parent for path in shipped().values()])
    known = {y.digest: y for folder in folders for y in versions(folder)}
    return tuple(y for digest, y in known.items() if digest not in {z.digest for z in layouts})


def load_layout(path: Path) -> Layout:
    """Read, check and freeze one layout file. Raises `LayoutError` with every problem found."""
    shown = str(path)
    tree = _parse(_text(path, shown), shown)
    try:
        parsed = model.LayoutFile.model_validate(tree)
    except ValidationError as error:
        problems = list(_form_problems(error, tree, shown))
        raise LayoutError([*problems, *_partial_findings(error, tree, shown)]) from None
    layout, problems = _freeze(parsed, tree, shown, list(range(len(parsed.questions))))
    if problems:
        raise LayoutError(problems)
    layout = with_digest(layout, path.parent)
    _keep_printed(layout, path)
    return layout


def record_printed(path: Path) -> Path:
    """Note a layout's digest as printed, in `printed.json` beside its folder; from then on the version is frozen."""
    layout = load_layout(path)
    register = path.parent.parent / PRINTED
    known = _register(register)
    known[layout.identity] = layout.digest
    register.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return register


def _register(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise LayoutError(
            [Problem(str(path), 1, 1, "", f"cannot be read ({error}); restore it from the last release")]
        ) from None
    return {str(k): str(v) for k, v in known.items()} if isinstance(known, dict) else {}


def _keep_printed(layout: Layout, path: Path) -> None:
    for folder in (path.parent, path.parent.parent):
        printed = _register(folder / PRINTED).get(layout.identity)
        if printed is not None and printed != layout.digest:
            raise LayoutError(
                [
                    Problem(
                        str(path), 1, 1, "version",
                        f"{layout.identity} has been printed and may not change any more; "
                        f"undo the change, or make it version {layout.version + 1}",
                    )
                ]
            )  # fmt: skip


def _text(path: Path, shown: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise LayoutError([Problem(shown, 1, 1, "", f"larger than {MAX_BYTES // 1024} kB: this is no layout file")])
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LayoutError([Problem(shown, 1, 1, "", f"cannot be read: {error.strerror}")]) from None
    except UnicodeDecodeError as error:
        raise LayoutError(
            [Problem(shown, 1, 1, "", f"is not UTF-8 text (byte {error.start}); save it as UTF-8")]
        ) from None


def _parse(text: str, shown: str) -> Any:
    try:
        _bound(text, shown)
        tree = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = " ".join(str(error.problem or error.context or "not YAML").split())
        raise LayoutError([Problem(shown, line, column, "", f"not YAML here: {message}")]) from None
    except (YAMLError, ValueError, RecursionError, NotImplementedError) as error:
        first = (str(error).splitlines() or ["damaged"])[0]
        raise LayoutError([Problem(shown, 1, 1, "", f"not YAML: {first}")]) from None
    if not isinstance(tree, dict):
        raise LayoutError(
            [Problem(shown, 1, 1, "", "a layout begins with `layout: <id>`; this file holds something else")]
        )
    return tree


def _bound(text: str, shown: str) -> None:
    """Refuse aliases (a few bytes of them can unfold to gigabytes) and deep nesting before anything is built."""
    depth = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        kind = type(event).__name__
        depth += kind in ("MappingStartEvent", "SequenceStartEvent")
        depth -= kind in ("MappingEndEvent", "SequenceEndEvent")
        mark = event.start_mark
        if kind == "AliasEvent" or getattr(event, "anchor", None):
            raise LayoutError(
                [
                    Problem(
                        shown,
                        mark.line + 1,
                        mark.column + 1,
                        "",
                        "anchors and aliases (& and *) are not used in layouts; write it out",
                    )
                ]
            )
        if depth > MAX_DEPTH:
            raise LayoutError(
                [Problem(shown, mark.line + 1, mark.column + 1, "", f"nested more than {MAX_DEPTH} deep")]
            )


def _form_problems(error: ValidationError, tree: Any, shown: str) -> Iterator[Problem]:
    for e in error.errors(include_url=False):
        # The union of hole shapes names itself in the path; the file does not.
        at = tuple(part for part in e["loc"] if part not in ("circle", "rect", "[key]"))
        message = e["msg"].removeprefix("Value error, ")
        if e["type"] == "extra_forbidden":
            message = f"unknown key{_near_key(at)}"
        elif e["type"] == "missing":
            message = "is missing; add it"
        elif "input" in e and not isinstance(e["input"], dict | list) and e["type"] != "value_error":
            message = f"{message[:1].lower()}{message[1:]} (found {str(e['input'])[:60]!r})"
        yield _problem(tree, at, message, shown)


def _near_key(at: check.Place) -> str:
    known = sorted({name for part in _models() for name in part.model_fields})
    close = get_close_matches(str(at[-1]), known, 1)
    return f"; did you mean {close[0]!r}?" if close else "; take it out"


def _models() -> Iterator[type[BaseModel]]:
    yield from (m for m in vars(model).values() if isinstance(m, type) and issubclass(m, model.Strict))


STAND_INS: Mapping[str, Any] = {
    "layout": "unnamed",
    "version": 1,
    "identify": None,
    "sensor_bar": None,
    "artwork": None,
    "follow_ups": None,
}
"""What broken parts are taken for while the rest is checked; `None`: left out."""


def _partial_findings(error: ValidationError, tree: Mapping[str, Any], shown: str) -> Iterator[Problem]:
    """Check what is well formed even when other parts are not, so that one run shows all there is."""
    places = [e["loc"] for e in error.errors() if e["loc"]]
    broken = {loc[1] for loc in places if loc[0] == "questions" and len(loc) > 1}
    others = {loc[0] for loc in places if loc[0] != "questions"}
    extra = others - set(model.LayoutFile.model_fields)
    if not others <= set(STAND_INS) | extra or not isinstance(tree.get("questions"), list):
        return
    sound = [k for k in range(len(tree["questions"])) if k not in broken]
    if not sound:
        return
    mended = {k: v for k, v in tree.items() if k not in others} | {
        str(k): STAND_INS[str(k)] for k in others - extra if STAND_INS[str(k)] is not None
    }
    try:
        parsed = model.LayoutFile.model_validate({**mended, "questions": [tree["questions"][k] for k in sound]})
    except ValidationError:
        return
    names = {tree["questions"][k].get("id") for k in broken if isinstance(tree["questions"][k], dict)}
    for problem in _freeze(parsed, tree, shown, sound)[1]:
        # A name that only a broken question bears is not missing.
        if not any(f"{name!r}" in problem.message for name in names if name):
            yield problem


def _problem(tree: Any, at: check.Place, message: str, shown: str) -> Problem:
    line, column, node = 1, 1, tree
    for part in at:
        mark = _mark(node, part)
        if mark is None:
            break
        line, column = mark
        node = node[part]
    where = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in at).lstrip(".")
    return Problem(shown, line, column, where, message)


def _mark(node: Any, part: str | int) -> tuple[int, int] | None:
    try:
        if isinstance(part, int):
            row, column = node.lc.item(part)
        else:
            row, column = node.lc.key(part)
    except (AttributeError, KeyError, TypeError, IndexError):
        return None
    return row + 1, column + 1


def _freeze(parsed: model.LayoutFile, tree: Any, shown: str, indexes: list[int]) -> tuple[Layout, list[Problem]]:
    """The plain data, and what only shows once the parts meet. `indexes`: the questions' places in the file."""
    places: dict[str, check.Place] = {}
    problems = []
    for k, q in zip(indexes, parsed.questions, strict=True):
        if q.id in places:
            problems.append(
                _problem(tree, ("questions", k, "id"), f"a question {q.id!r} stands above; choose another id", shown)
            )
        places.setdefault(q.id, ("questions", k))
    grid_needed = [
        ("questions", k) for k, q in zip(indexes, parsed.questions, strict=True)
        if parsed.grid is None and any(at.column is not None for at in _places_of(q))
    ]  # fmt: skip
    for at in grid_needed:
        problems.append(_problem(tree, at, "uses column and row, but the layout has no `grid`; add one", shown))
    layout = layout_of(parsed)
    if not problems:
        found = chain(check.findings(layout, places), bar.findings(layout, places))
        problems = [_problem(tree, at, message, shown) for at, message in found]
    return layout, problems


def _places_of(q: model.Question) -> Iterator[model.At]:
    yield from (c.at for c in q.choices)
    if q.columns is not None:
        yield q.columns.first
