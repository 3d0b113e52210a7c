"""The house: who may import whom, what documents name, what a newcomer is told."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parents[2]
PACKAGES = ("reader", "calibration", "device", "cards")
ALLOWED = {
    "cards": {"cards"},
    "device": {"device", "cards"},
    "calibration": {"calibration", "device", "cards"},
    "reader": {"reader", "calibration", "device", "cards"},
}
ROOMS = [
    {"reader.cli"},
    {"reader.service", "reader.config"},
    {"reader.console", "reader.report", "reader.batch"},
    {"reader.collector"},
    {"reader.sync", "reader.export", "reader.processes"},
    {"reader.overlay", "reader.describe", "reader.evidence", "reader.explain", "reader.explain_picture", "reader.slip"},
    {"reader.store"},
    {"reader.live"},
    {"reader.decode", "reader.reasons"},
    {"reader.camera", "reader.sweep"},
    {"reader.reading"},
]
"""From the top down; a module imports from its own room and those below."""
LINES_MAX = 400


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((REPO / package).rglob("*.py")):
            parts = path.relative_to(REPO).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{a.name}" for a in node.names}
    return {name for name in found if name.split(".")[0] in PACKAGES}


def room(module: str) -> int | None:
    return next(
        (k for k, names in enumerate(ROOMS) if any(module == n or module.startswith(f"{n}.") for n in names)), None
    )


needs_checkout = pytest.mark.skipif(not (REPO / "cards").is_dir(), reason="looks at the checkout")


@needs_checkout
def test_folders_import_downwards_only() -> None:
    wrong = [
        (module, name)
        for module, path in modules()
        for name in imports(path)
        if name.split(".")[0] not in ALLOWED[module.split(".")[0]]
    ]
    assert not wrong


@needs_checkout
def test_rooms_of_the_reader_import_downwards_only() -> None:
    wrong = []
    for module, path in modules():
        mine = room(module)
        for name in imports(path):
            theirs = room(name)
            if mine is not None and theirs is not None and theirs < mine:
                wrong.append((module, name))
    assert not wrong


@needs_checkout
def test_every_module_of_the_reader_has_a_room() -> None:
    homeless = [m for m, _ in modules() if m.startswith("reader.") and room(m) is None]
    assert not homeless


@needs_checkout
def test_modules_stay_small() -> None:
    assert not [m for m, path in modules() if len(path.read_text(encoding="utf-8").splitlines()) > LINES_MAX]


@needs_checkout
def test_every_folder_says_what_it_is_for() -> None:
    for module, path in modules():
        if path.name == "__init__.py":
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert text and len(text) > 40, module


@needs_checkout
def test_functions_named_in_the_architecture_exist() -> None:
    text = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8")
    names = re.findall(r"`((?:reader|device|cards|calibration)(?:\.\w+)+)`", text)
    assert len(names) >= 10
    for name in names:
        assert resolves(name), f"docs/architecture.md names {name}, which does not exist"


def resolves(name: str) -> bool:
    parts = name.split(".")
    for k in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@needs_checkout
def test_documents_link_to_files_that_exist() -> None:
    pages = [REPO / "README.md", REPO / "CHANGELOG.md", *sorted((REPO / "docs").glob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


@needs_checkout
def test_nothing_names_this_machine() -> None:
    for folder in (*PACKAGES, "docs", "tests"):
        for path in (REPO / folder).rglob("*"):
            if path.suffix in (".py", ".md", ".yaml", ".toml", ".cfg") and path.is_file():
                text = path.read_text(encoding="utf-8")
                assert "/wo" + "rk/" not in text and "/ho" + "me/" not in text, path
