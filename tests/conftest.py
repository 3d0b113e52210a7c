"""What every test shares. Tests run offline, in any order, on the checkout or on the installed wheel."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import cv2
import pytest

from cards.layout import Layout
from cards.load import find_layout
from reader.store import Store, open_store

FIXTURES = Path(__file__).parent / "fixtures"
OURS = ("reader", "cards", "device", "calibration")


def pytest_configure() -> None:
    """Refuse to test somebody else's `reader`: the name is common."""
    homes = {name: Path(str(importlib.import_module(name).__file__)).parents[1] for name in OURS}
    if len(set(homes.values())) != 1:
        pytest.exit(f"these packages are not from one place: {homes}; use the project's own virtual environment", 3)
    cv2.setNumThreads(1)


@pytest.fixture(scope="session")
def campaign() -> Layout:
    """The campaign's own card."""
    return find_layout("stadslogistiek")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new store in a folder of its own."""
    with open_store(tmp_path / "store" / "test.db") as opened:
        yield opened


@pytest.fixture
def sitting(store: Store) -> str:
    """An open permanence in `store`."""
    return store.open_permanence("Café Belga", date(2024, 12, 5), "group", ["nl", "fr"], "op1")
