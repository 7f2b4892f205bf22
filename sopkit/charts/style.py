"""What all charts share: colours with a fixed meaning, one look, axes of months and amounts.

Colours are told apart by colour-blind readers and are never the only signal: lines also differ in
dash or width and carry their name. Only this room and the pages' style sheet know colours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from sopkit import months

HISTORY = "#6e7681"  # grey: what happened
DEMAND = "#1f5fa8"  # blue: the demand plan
STATISTICAL = "#5b9bd5"  # light blue: the statistical forecast below it
SUPPLY = "#e07b00"  # orange: the supply plan
BUDGET = "#111111"  # thin black: the budget
SHORTAGE = "#9b1c1c"  # dark red: too little
SURPLUS = "#0f766e"  # teal: too much, or better than the goal
LAST_YEAR = "#b4bac2"  # light grey
OTHERS = ("#6a3d9a", "#a67c00", "#c2418f", "#5c7a29", "#3b3b3b", "#7a4a2b")
INK = "#24292f"
_DARKER = {SUPPLY: "#a85400", STATISTICAL: "#2f75b5", LAST_YEAR: "#6e7681"}  # as text on white

BAR = np.timedelta64(24, "D")  # width of a month's bar
WIDTH = 8.5  # inches: the width of a page
MOST_SERIES = 6
RC = {
    "font.family": ["sans-serif"],  # named below, else matplotlib warns at every text
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 9.5,
    "text.color": INK,
    "figure.facecolor": "white",
    "figure.dpi": 96,
    "figure.titlesize": 11.5,
    "figure.titleweight": "bold",
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#8c959f",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 1.8,
    "svg.fonttype": "none",
    "svg.hashsalt": "sopkit",
}
Label = tuple[object, float, str, str]  # x, y, text, colour


def drawn(chart: Callable[..., Figure | None]) -> Callable[..., Figure | None]:
    """The chart drawn in the common look; matplotlib's own settings stay as they were."""

    @wraps(chart)
    def draw(*tables, **choices):
        with rc_context(RC):
            return chart(*tables, **choices)

    return draw


def panels(
    rows: int = 1, columns: int = 1, *, height: float, height_ratios: list[float] | None = None
) -> tuple[Figure, np.ndarray]:
    """A figure of page width and its axes, row by row."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, height_ratios=height_ratios)
    return figure, axes.ravel()


def headline(figure: Figure, text: str) -> None:
    """Title over several panels, at the left as on single charts."""
    figure.suptitle(text, x=0.01, ha="left")


def text_colour(colour: str) -> str:
    """The colour dark enough to be read as text on white."""
    return _DARKER.get(colour, colour)


def short(amount: float, sign: str = "") -> str:
    r"""An amount in three figures, as people say it; ``sign="+"`` writes the sign always.

    Examples
    --------
    >>> [short(amount).replace("\u00a0", " ") for amount in (19_000_000, 95_400, -950.0)]
    ['19.0 M', '95.4 k', '−950']
    """
    scale, unit = _scale(amount)
    number = f"{amount / scale:{sign}#.3g}".rstrip(".") if unit else f"{round(amount):{sign}d}"
    return number.replace("-", "−") + unit


def tick(amount: float, _position: int | None = None) -> str:
    r"""An amount beside an axis: no more figures than it needs.

    Examples
    --------
    >>> [tick(amount).replace("\u00a0", " ") for amount in (80_000, 7_500_000, 0)]
    ['80 k', '7.5 M', '0']
    """
    scale, unit = _scale(amount)
    return f"{amount / scale:.4g}".replace("-", "−") + unit


def _scale(amount: float) -> tuple[float, str]:
    size = abs(amount)
    if size >= 999_500:
        return 1e6, "\u00a0M"
    return (1e3, "\u00a0k") if size >= 999.5 else (1.0, "")


def percent(rate: float, sign: str = "", decimals: int = 1) -> str:
    """A rate in percent.

    Examples
    --------
    >>> percent(0.0552), percent(-0.04, "+", 0)
    ('5.5%', '−4%')
    """
    return f"{rate:{sign}.{decimals}%}".replace("-", "−")


def amount_axis(axes: Axes, label: str, *, from_zero: bool = True, room: float = 0.06) -> None:
    """Y-axis in units or money: named, in thousands or millions, from zero for quantities."""
    axes.set_ylabel(label)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, min_n_ticks=4))
    axes.yaxis.set_major_formatter(FuncFormatter(tick))
    low, high = axes.get_ylim() if not axes.dataLim.height else axes.dataLim.intervaly
    low, high = (min(low, 0.0), max(high, 0.0)) if from_zero else (low, high)
    reach = (high - low) or 1.0
    axes.set_ylim(low - room * reach if low < 0 else low, high + room * reach)


def rate_axis(axes: Axes, label: str, *, along: str = "y") -> None:
    """Axis in percent, named."""
    axis = axes.yaxis if along == "y" else axes.xaxis
    axis.set_label_text(label)
    axis.set_major_locator(MaxNLocator(nbins=6, min_n_ticks=3))
    axis.set_major_formatter(FuncFormatter(_rate_tick))


def _rate_tick(rate: float, _position: int | None = None) -> str:
    return f"{rate * 100:.3g}%".replace("-", "−") if abs(rate) > 1e-12 else "0"


def month_axis(axes: Axes, month: pd.Series | pd.DatetimeIndex, *, most: int = 13) -> None:
    """X-axis of months: whole steps of a year, the year under January and the first label."""
    first, last = month.min(), month.max()
    count = int(months.number(last) - months.number(first)) + 1
    step = next((size for size in (1, 2, 3, 6) if count / size <= most), 12)
    ticks = [tick for tick in months.span(first, count) if (tick.month - 1) % step == 0]
    labels = [
        f"{tick:%Y}"
        if step == 12
        else f"{tick:%b}\n{tick:%Y}"
        if tick.month == 1 or tick == ticks[0]
        else f"{tick:%b}"
        for tick in ticks
    ]
    axes.set_xticks([tick.to_datetime64() for tick in ticks], labels)
    axes.set_xlim(months.shift(first, -1), months.shift(last, 1))
    axes.tick_params(axis="x", length=3)


def cycle_line(axes: Axes, cycle: pd.Timestamp, *, is_named: bool = True) -> None:
    """Vertical line at the month in which the plan is made."""
    axes.axvline(cycle, color=INK, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
    if is_named:
        axes.annotate(
            f"cycle {months.label(cycle)}",
            (cycle, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=9,
        )


def end_labels(axes: Axes, labels: list[Label], *, share: float = 0.8) -> None:
    """Names of lines at their right ends, moved apart so that none covers another.

    ``share`` is the part of the figure's height that the axes take.
    """
    low, high = axes.get_ylim()
    gap = (high - low) * 13.0 / (axes.figure.get_figheight() * 72 * share)
    ranked = sorted((label for label in labels if np.isfinite(label[1])), key=lambda row: row[1])
    places = [row[1] for row in ranked]
    for k in range(1, len(places)):
        places[k] = max(places[k], places[k - 1] + gap)
    excess = places[-1] - high if places else 0.0
    for k in range(len(places) - 1, -1, -1) if excess > 0 else ():
        ceiling = high if k == len(places) - 1 else places[k + 1] - gap
        places[k] = min(places[k], ceiling)
    for (x, _, text, colour), place in zip(ranked, places, strict=True):
        axes.annotate(
            text,
            (x, place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=text_colour(colour),
            fontweight="bold",
            fontsize=9,
            annotation_clip=False,
        )


def name_line(axes: Axes, line: pd.Series, text: str, colour: str) -> None:
    """Name of a line that ends before the right edge, under its lowest point."""
    place = int(np.argmin(line.to_numpy()))
    side = ("left", "center", "right")[min(3 * place // len(line), 2)]
    axes.annotate(
        text,
        (line.index[place], line.iloc[place]),
        xytext=(4 if side == "left" else 0, -6),
        textcoords="offset points",
        ha=side,
        va="top",
        fontsize=9,
        fontweight="bold",
        color=text_colour(colour),
    )


def key(axes: Axes, entries: list[tuple[str, str]]) -> None:
    """Names of bars or areas in their colours, one under the other beside the axes."""
    for row, (text, colour) in enumerate(entries):
        axes.annotate(
            f"■ {text}",
            (1.0, 1.0),
            xycoords="axes fraction",
            xytext=(6, -13 * row),
            textcoords="offset points",
            va="top",
            color=text_colour(colour),
            fontsize=9,
            fontweight="bold",
            annotation_clip=False,
        )


def signed_bars(
    axes: Axes,
    names: pd.Index,
    amounts: pd.Series,
    say: Callable,
    *,
    room: float = 0.28,
    colours: tuple[str, str] = (SHORTAGE, SURPLUS),
) -> None:
    """Horizontal bars left and right of zero, each with its amount; red below, teal above.

    ``room`` is what the amounts take beside the longest bar, as a share of it.
    """
    fills = [colours[0] if amount < 0 else colours[1] for amount in amounts]
    axes.barh(list(names), amounts.to_numpy(), color=fills, height=0.62)
    axes.axvline(0.0, color=INK, linewidth=0.9)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    reach = max(amounts.abs().max(), 1e-9)
    low, high = min(amounts.min(), 0.0), max(amounts.max(), 0.0)
    axes.set_xlim(low - room * reach * (low < 0), high + room * reach * (high > 0 or low == 0))
    axes.locator_params(axis="x", nbins=6)
    for row, amount in enumerate(amounts):
        axes.annotate(
            say(amount),
            (amount, row),
            xytext=(-4 if amount < 0 else 4, 0),
            fontsize=9,
            textcoords="offset points",
            va="center",
            ha="right" if amount < 0 else "left",
        )
