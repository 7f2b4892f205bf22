"""Charts of one series: both answers, its parts, and what a model leaves of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sopkit import months
from sopkit.charts import _style
from sopkit.demand.workshop import Study

_SHOWN_MONTHS = 60
_MODEL = {"color": _style.OTHERS[0], "linewidth": 1.8}
_BAND = 0.16  # how dark an 80 % band is


@_style.drawn
def forecasts(
    found: Study, units: pd.DataFrame, *, subject: str, cycle: pd.Timestamp
) -> Figure | None:
    """What came, what the model said one month before, and both answers with 80 % bands.

    Parameters
    ----------
    found : Study
        From ``workshop.study``.
    units : DataFrame
        Table `planning_units`.
    subject : str
        What is looked at.
    cycle : Timestamp
        Month in which the plan is made.
    """
    history = found.history[found.history["month"] >= months.shift(cycle, -_SHOWN_MONTHS)]
    history, ahead = history.set_index("month"), found.ahead.set_index("month")
    if not history["value"].notna().any():
        return None
    name = "model" if found.fit is None else found.fit.words.removesuffix(" on logarithms")
    figure, (axes,) = _style.panels(height=4.4)
    for low, high, colour in (
        ("lower", "upper", _MODEL["color"]),
        ("panel_lower", "panel_upper", _style.DEMAND),
    ):
        band = ahead[[low, high]].dropna()
        axes.fill_between(band.index, band[low], band[high], color=colour, alpha=_BAND, linewidth=0)
    before = history["fitted"].dropna()
    axes.plot(before.index, before, alpha=0.4, **_MODEL)
    lines = {"demand so far": history["value"], name: ahead["quantity"]}
    title = f"Demand and two answers: {subject}"
    unit = f"{_style.unit(units)} a month"
    _style.draw(axes, title, unit, lines=lines | {"panel's answer": ahead["panel"]}, cycle=cycle)
    filled = history.loc[history["is_filled"], "value"]
    axes.plot(filled.index, filled, "o", color="white", markeredgecolor=_style.HISTORY, zorder=4)
    return figure


@_style.drawn
def tried(
    lines: pd.DataFrame, units: pd.DataFrame, *, subject: str, name: str, cycle: pd.Timestamp
) -> Figure | None:
    """Demand, a model and the combination ahead, and what both said of past months.

    Parameters
    ----------
    lines : DataFrame
        From ``trying.lines``.
    units : DataFrame
        Table `planning_units`.
    subject, name : str
        What is looked at; what the model is called.
    cycle : Timestamp
        Month in which the plan is made.
    """
    shown = lines[lines["month"] >= months.shift(cycle, -_SHOWN_MONTHS)]
    line = {of: own.set_index("month")["quantity"] for of, own in shown.groupby("of")}
    if not line.get("history", pd.Series()).any():
        return None
    figure, (axes,) = _style.panels(height=4.4)
    for word, colour in (("model", _MODEL["color"]), ("combination", _style.DEMAND)):
        past = line.get(f"past {word}", pd.Series(dtype="float64"))
        axes.plot(past.index, past, color=colour, linewidth=1.2, alpha=0.55)
    wanted = {"demand so far": "history", name: "model", "combination": "combination"}
    title, unit = f"Demand and two forecasts: {subject}", f"{_style.unit(units)} a month"
    now = {word: line[of] for word, of in wanted.items()}
    _style.draw(axes, title, unit, lines=now, cycle=cycle)
    return figure


@_style.drawn
def parts(found: Study, units: pd.DataFrame, *, subject: str) -> Figure | None:
    """Trend, season and rest of a series, one below the other; shares where they multiply.

    Parameters
    ----------
    found, units, subject
        As in ``forecasts``.
    """
    own = found.parts
    if own is None:
        return None
    month = pd.DatetimeIndex(found.history["month"])
    figure, axes = _style.panels(3, height=5.6, height_ratios=[1.4, 1, 1], sharex=True)
    level = np.exp(own.trend) if own.is_log else own.trend
    axes[0].plot(month, found.history["value"], color=_style.LAST_YEAR, linewidth=1.2)
    axes[0].plot(month, level, color=_style.DEMAND, linewidth=2.2)
    axes[1].plot(month, _moved(own.season, own.is_log), color=_style.DEMAND)
    rest = _moved(own.rest, own.is_log)
    axes[2].bar(month, rest, width=_style.BAR, color=_style.HISTORY)
    strengths = {"Trend": own.trend_strength, "Season": own.season_strength}
    words = [f"{name}, strength {value:.2f} of 1" for name, value in strengths.items()]
    for panel, word in zip(axes, [*words, "Rest: what neither tells"], strict=True):
        panel.set_title(word, fontsize=10.5)
    unit = _style.unit(units)
    for panel, label in zip(axes, [f"{unit}\na month", *_labels(own.is_log, unit)], strict=True):
        _style.value_axis(panel, label, is_rate=own.is_log and panel is not axes[0])
    for panel in axes[1:]:
        panel.axhline(0.0, color=_style.INK, linewidth=0.9)
    _style.month_axis(axes[2], month)
    figure.align_ylabels()
    _style.head(figure, f"What the series is made of: {subject}")
    return figure


@_style.drawn
def residuals(found: Study, *, subject: str) -> Figure | None:
    """Correlograms of the series and of what the model leaves, with the bounds of noise.

    Parameters
    ----------
    found, subject
        As in ``forecasts``.
    """
    table = found.correlations
    if table.empty:
        return None
    sources = list(table["of"].unique())
    figure, axes = _style.panels(2, len(sources), height=4.6, sharex=True, sharey=True)
    kinds = {"acf": "Autocorrelation", "pacf": "Partial autocorrelation"}
    places = [(kind, of) for kind in kinds for of in sources]
    for panel, (kind, of) in zip(axes, places, strict=True):
        _stems(panel, table[table["of"] == of], kind)
        panel.set_title(f"{kinds[kind]}: {of}", fontsize=10.5)
    for panel in axes[-len(sources) :]:
        panel.set_xlabel("Months apart; beyond the shade is more than noise")
    _style.head(figure, f"Is anything left to learn? {subject}")
    return figure


def _stems(axes: Axes, rows: pd.DataFrame, kind: str) -> None:
    """Bars from zero by months apart, those beyond the bounds dark and with a dot."""
    bound = rows["bound"].iloc[0]
    is_beyond = (rows[kind].abs() > bound).to_numpy()
    colours = np.where(is_beyond, _style.SHORTAGE, _style.HISTORY)
    axes.axhspan(-bound, bound, color=_style.HISTORY, alpha=0.15, linewidth=0)
    axes.vlines(rows["lag"], 0.0, rows[kind], colors=colours, linewidth=2.2)
    beyond = rows[is_beyond]
    axes.plot(beyond["lag"], beyond[kind], "o", color=_style.SHORTAGE, markersize=4)
    axes.axhline(0.0, color=_style.INK, linewidth=0.9)
    axes.set_ylim(-1.0, 1.0)
    axes.set_xticks(range(0, int(rows["lag"].max()) + 1, 6))


def _moved(part: np.ndarray, is_log: bool) -> np.ndarray:
    """A part as a share of the level where parts multiply, in units where they add."""
    return np.expm1(part) if is_log else part


def _labels(is_log: bool, unit: str) -> list[str]:
    return ["Share of\nthe level"] * 2 if is_log else [f"{unit}\na month"] * 2
