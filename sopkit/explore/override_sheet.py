"""The consensus by family and month as cells to write in, each with a name of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import ipywidgets as widgets
import numpy as np
import pandas as pd

from sopkit import months, schema
from sopkit.explore import override_plan

ACROSS = 12  # months shown side by side
_WHOLE = 100.0  # units from which a grid needs no decimals
LOOK = """<style>
.sopkit .cell > .widget-label { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
.sopkit .cell input { text-align: right; padding: 0 0.4em; appearance: textfield; }
.sopkit .cell input::-webkit-inner-spin-button { appearance: none; }
.sopkit .changed input { font-weight: 700; border: 2px solid var(--jp-brand-color1) !important; }
</style>"""


def windows(span: list[pd.Timestamp]) -> list[tuple[str, int]]:
    """Which months can be shown side by side, in words, and the place of their first."""
    last = max(len(span) - ACROSS, 0)
    starts = sorted({min(first, last) for first in range(0, len(span), ACROSS)})
    parts = [(span[first], span[first:][:ACROSS][-1]) for first in starts]
    return [(" to ".join(map(months.label, p)), k) for p, k in zip(parts, starts, strict=True)]


class Sheet:
    """Cells of families and months; what a person writes into one is handed on.

    Parameters
    ----------
    tables : dict
        From ``override_plan.load``.
    written : callable
        ``written(family, month, amount)``, when somebody has written into a cell.
    """

    def __init__(self, tables: dict, written: Callable) -> None:
        self._span = sorted(tables["base"]["month"].unique())
        self._families = list(override_plan.grid(tables, tables["value"], {}).index)
        self._written, self._is_drawn, self._frozen = written, False, {}
        self.months = self._span[:ACROSS]
        count = len(self.months)
        look = {"layout": widgets.Layout(width="auto")}  # one for all: thousands would be slow
        self.cells = [[widgets.FloatText(**look) for _ in range(count)] for _ in self._families]
        self._heads = [widgets.Label() for _ in self.months]
        corner = widgets.Label(tables["unit"].capitalize())
        parts = [corner, *self._heads]
        for row, (family, line) in enumerate(zip(self._families, self.cells, strict=True)):
            parts += [widgets.Label(family), *line]
            for column, cell in enumerate(line):
                cell.add_class("cell")
                cell.observe(partial(self._hand_on, row, column), "value")
        columns = f"11em repeat({count}, minmax(4.6em, 5.3em))"
        layout = {"overflow": "auto", "grid_template_columns": columns}
        self.box = widgets.GridBox(parts, layout=layout)

    def turn_to(self, first: int) -> None:
        """Show the months from one place of the horizon on; ``fill`` puts their numbers in."""
        self.months = self._span[first:][: len(self.months)]

    def narrow(self, tables: dict, levels: dict[str, str]) -> None:
        """Know which months are frozen in what is shown."""
        self._frozen = override_plan.frozen_until(tables, levels)

    def _hand_on(self, row: int, column: int, event: dict) -> None:
        if not self._is_drawn:
            self._written(self._families[row], self.months[column], event["new"])

    def fill(self, table: pd.DataFrame, pending: set[tuple[str, pd.Timestamp]]) -> None:
        """Put a plan's numbers into the cells, and mark those that hold a change not kept yet.

        Parameters
        ----------
        table : DataFrame
            From ``override_plan.grid``.
        pending : set of (str, Timestamp)
            Family and month of the changes.
        """
        amounts = table.reindex(index=self._families, columns=self.months).to_numpy()
        digits = 0 if np.nanmax(table.to_numpy(), initial=0.0) >= _WHOLE else 2
        self._is_drawn = True  # what is set here, nobody has written
        for head, month in zip(self._heads, self.months, strict=True):
            head.value = months.label(month)
        for family, line, values in zip(self._families, self.cells, amounts, strict=True):
            for month, cell, amount in zip(self.months, line, values, strict=True):
                cell.value = round(float(np.nan_to_num(amount)), digits)
                self._say(cell, family, month, is_known=not np.isnan(amount))
                is_changed = (family, month) in pending
                (cell.add_class if is_changed else cell.remove_class)("changed")
        self._is_drawn = False

    def _say(
        self, cell: widgets.FloatText, family: str, month: pd.Timestamp, *, is_known: bool
    ) -> None:
        """A cell's name, and why nothing can be written into it."""
        begins = self._frozen.get((family, month), "")
        cell.description = f"{family}, {months.label(month)}"
        cell.disabled = bool(not is_known or family == schema.UNASSIGNED or begins)
        said = f" is frozen: changes begin with {begins}" if begins else ""
        cell.tooltip = cell.description + said
