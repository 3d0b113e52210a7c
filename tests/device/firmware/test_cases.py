"""The same cases on both Pythons."""

import json
from functools import cache

import pytest

from tests.device.firmware import cases
from tests.device.firmware.pythons import run


@cache
def under_micropython() -> dict[str, str | None]:
    """Every case, in one child."""
    return dict(json.loads(line) for line in run("micropython", "-m", "tests.device.firmware.run_cases").splitlines())


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_on_cpython(case: str) -> None:
    cases.ALL[case]()


@pytest.mark.parametrize("case", sorted(cases.ALL))
def test_on_micropython(case: str) -> None:
    assert under_micropython()[case] is None
