"""Several panels as one: each shows every sign; one that fails is said on the others and tried again with the next sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from device.panel import Panel, Sign


class Together:
    """See the module. The first panel is where failures of the others are said."""

    def __init__(self, panels: Sequence[Panel]) -> None:
        self._panels = list(panels)
        self._failing: set[int] = set()

    def show(self, sign: Sign) -> None:
        """Show it on each."""
        self._each(lambda panel: panel.show(sign))

    def say(self, text: str) -> None:
        """Say it on each."""
        self._each(lambda panel: panel.say(text))

    def close(self) -> None:
        """Close each, the first one last."""
        self._panels.reverse()
        self._each(lambda panel: panel.close())

    def _each(self, do: Callable[[Panel], None]) -> None:
        for panel in self._panels:
            try:
                do(panel)
            except Exception as error:  # noqa: BLE001  (a panel is no reason to stop reading, whatever it raises)
                if id(panel) not in self._failing:
                    self._failing.add(id(panel))
                    self._tell(panel, f"{type(panel).__name__} does not work ({error}); reading goes on without it")
            else:
                self._failing.discard(id(panel))

    def _tell(self, broken: Panel, text: str) -> None:
        for panel in self._panels:
            if panel is not broken and id(panel) not in self._failing:
                try:
                    panel.say(text)
                except Exception:  # noqa: BLE001
                    self._failing.add(id(panel))
