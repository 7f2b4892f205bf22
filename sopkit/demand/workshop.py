"""One series through statsmodels: parts, model, tests, and whether it beats the panel's answer.

``study`` is the one verb. Models are compared on whole years held out: at each origin they see
earlier months only, keep their form and orders, and are estimated anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm

from sopkit import months
from sopkit.demand import decomposing, diagnostics, single_models
from sopkit.demand.decomposing import SHORTEST_SEASON, YEAR, Parts
from sopkit.demand.single_models import MODELS, Fit

SHORTEST = 8  # known months below which nothing is fitted
ORIGINS = (24, 18, 15, 12)  # months back; a year is held out at each
PANEL, LAST_YEAR = "panel's combination", "same month last year"
_LUMPY = 0.3  # share of months without demand from which these models are not meant
_LEAST_JUDGED = 8  # months below which no difference is told from noise
_SURE = 0.1  # p value below which a difference is more than noise


@dataclass(frozen=True)
class Study:
    """What can be said of one series.

    ``history``: ``month, value, is_filled, fitted``; ``parts`` from ``decomposing``, or None;
    ``fit`` from ``single_models``, or None where nothing can be fitted; ``ahead``: ``month,
    quantity, lower, upper, panel, panel_lower, panel_upper``, 80 %; ``correlations``:
    ``of, lag, acf, pacf, bound``; ``tests`` from ``diagnostics``; ``past``: ``origin, month,
    actual`` and a column a rival; ``scores``: ``who, wape, bias_rate, months, p_value``;
    ``notes``: what a planner should know first.
    """

    history: pd.DataFrame
    parts: Parts | None
    fit: Fit | None
    ahead: pd.DataFrame
    correlations: pd.DataFrame
    tests: pd.DataFrame
    past: pd.DataFrame
    scores: pd.DataFrame
    notes: tuple[str, ...]


def study(
    values: np.ndarray,
    month: pd.DatetimeIndex,
    *,
    events: pd.DataFrame,
    panel: pd.DataFrame,
    past: pd.DataFrame,
    model: str = "ets",
    parameters: dict | None = None,
) -> Study:
    """Everything about one series: parts, a model and its doubts, beside the panel's answer.

    Parameters
    ----------
    values : array (n_months,)
        Units; NaN where a month is not known.
    month : DatetimeIndex (n_months,)
        Successive months.
    events : DataFrame
        (n_months + horizon) rows, a column a kind: change of demand expected, as a rate.
    panel : DataFrame
        ``month, quantity, quantity_lower, quantity_upper``: the panel's answer; may be empty.
    past : DataFrame
        ``origin, month`` and a column for each rival: what it would have said; from ``rivals``.
    model, parameters
        As in ``single_models.fit``; left out: ETS, its form by AICc.

    Examples
    --------
    >>> month = months.span(pd.Timestamp("2022-01-01"), 36)
    >>> values = 100.0 + 30.0 * np.sin(np.arange(36) * np.pi / 6) + np.arange(36) % 5
    >>> none = pd.DataFrame(index=range(36 + 6))
    >>> panel = pd.DataFrame(columns=["month", "quantity", "quantity_lower", "quantity_upper"])
    >>> past = pd.DataFrame(columns=["origin", "month"])
    >>> found = study(values, month, events=none, panel=panel, past=past)
    >>> found.fit.words[:3], len(found.ahead), found.parts.season_strength > 0.9
    ('ETS', 6, True)
    """
    notes = _first_notes(values)
    fit = None
    if not hindrance(values):
        fit = single_models.fit(values, model=model, parameters=parameters or {}, events=events)
        notes += fit.notes
    known = np.isfinite(values)
    whole = decomposing.filled(values) if known.any() else values
    parts = decomposing.decompose(whole) if known.any() and not hindrance(values) else None
    level = _level(whole, parts)
    told = past
    if fit is not None:
        own = held_out(values, month, events=events, model=model, parameters=fit.choice)
        if MODELS[model] in past and _is_same(past, own, MODELS[model]):
            past = past.drop(columns=MODELS[model])
        told = past.merge(
            own.rename(columns={"quantity": fit.words}),
            on=["origin", "month"],
            how="outer",
            validate="one_to_one",
        )
    told = _beside(told, values, month)
    scores = _scores(told)
    blank = np.full(len(values), np.nan)
    return Study(
        pd.DataFrame(
            {
                "month": month,
                "value": whole,
                "is_filled": ~known,
                "fitted": blank if fit is None else fit.fitted,
            }
        ),
        parts,
        fit,
        _ahead(fit, panel, month, len(events) - len(month)),
        _correlations(level, fit),
        _tests(level, fit),
        told,
        scores,
        notes,
    )


def rivals(
    values: np.ndarray, month: pd.DatetimeIndex, *, events: pd.DataFrame, past: pd.DataFrame
) -> pd.DataFrame:
    """What each model, chosen by AICc, would have said at past origins, beside ``past``.

    Parameters
    ----------
    values, month, events
        As in ``study``.
    past : DataFrame
        ``origin, month`` and a column for each rival known already.

    Returns
    -------
    DataFrame
        With columns ``ETS`` and ``SARIMAX``; a model that cannot be fitted is left out.
    """
    if hindrance(values):
        return past
    for model, words in MODELS.items():
        try:
            chosen = single_models.fit(values, model=model, parameters={}, events=events).choice
        except months.UsageError:
            continue
        own = held_out(values, month, events=events, model=model, parameters=chosen)
        own = own.rename(columns={"quantity": words})
        past = past.merge(own, on=["origin", "month"], how="outer", validate="one_to_one")
    return past


def held_out(
    values: np.ndarray,
    month: pd.DatetimeIndex,
    *,
    events: pd.DataFrame,
    model: str,
    parameters: dict,
) -> pd.DataFrame:
    """What one model would have said of whole years it had not seen.

    Parameters
    ----------
    values, month, events, model
        As in ``study``.
    parameters : dict
        Form or orders, kept at every origin; what is not in it is estimated at each.

    Returns
    -------
    DataFrame
        ``origin, month, quantity``: twelve months from each of ``ORIGINS``, where enough months
        stand before it.
    """
    rows = [pd.DataFrame({"origin": month[:0], "month": month[:0], "quantity": np.empty(0)})]
    least = SHORTEST_SEASON if len(values) >= SHORTEST_SEASON + YEAR else SHORTEST
    for back in ORIGINS:
        origin = len(values) - back
        if origin < least or hindrance(values[:origin]):
            continue
        own = events.iloc[: origin + YEAR]
        try:
            said = single_models.fit(
                values[:origin], model=model, parameters=parameters, events=own
            ).mean
        except months.UsageError:  # a form that needs more months than stood there
            continue
        ahead = month[origin : origin + YEAR]
        rows.append(pd.DataFrame({"origin": month[origin], "month": ahead, "quantity": said}))
    return pd.concat(rows, ignore_index=True)


def comparison(found: Study) -> str:
    """Which would have been better here, and is the difference more than noise? In a sentence.

    Parameters
    ----------
    found : Study
        From ``study``.
    """
    scores = found.scores.set_index("who")
    if scores.empty or found.fit is None:
        return "No year could be held out here: nothing is compared."
    count = int(scores["months"].max())
    words = found.fit.words
    if PANEL not in scores.index or words not in scores.index:
        best = scores["wape"].idxmin()
        return f"Over {count} months held out, {best} was nearest: off by {_rate(scores, best)}."
    own, rival = scores.loc[words, "wape"], scores.loc[PANEL, "wape"]
    both = f"{words} was off by {_rate(scores, words)}, the {PANEL} by {_rate(scores, PANEL)}"
    better = words if own < rival else f"the {PANEL}"
    p_value = scores.loc[words, "p_value"]
    if not np.isfinite(p_value):
        return f"Over {count} months held out, {both}: too few to tell a difference from noise."
    if _rate(scores, words) == _rate(scores, PANEL):
        return f"Over {count} months held out, {both}: no difference to speak of."
    sure = "more than noise" if p_value < _SURE else "no more than noise"
    return (
        f"Over {count} months held out, {both}: {better} was better, and the difference is {sure} "
        f"({'p below 0.01' if p_value < 0.01 else f'p = {p_value:.2f}'})."
    )


def _rate(scores: pd.DataFrame, who: str) -> str:
    return f"{scores.loc[who, 'wape']:.1%}".replace("%", "\u00a0%")


def hindrance(values: np.ndarray) -> str:
    """Why nothing can be fitted, in words; empty where something can."""
    known = values[np.isfinite(values)]
    if len(known) < SHORTEST:
        return (
            f"Only {len(known)} months are known: a model needs {SHORTEST}. Until then take the "
            "panel's answer, or a like item in `launches`."
        )
    if not np.any(known):
        return "Nothing was sold in any month: there is nothing to learn."
    if np.ptp(known) <= 1e-9 * np.abs(known).max():
        return "Every month is the same: the next one needs no model."
    return ""


def _first_notes(values: np.ndarray) -> tuple[str, ...]:
    """What a planner should know before any figure."""
    why = hindrance(values)
    if why:
        return (why,)
    notes, count = [], len(values)
    missing = int((~np.isfinite(values)).sum())
    if missing:
        notes.append(
            f"Not known because of stock-outs: {missing} of {count} months, set between their "
            "neighbours; nothing is judged there."
        )
    if count < SHORTEST_SEASON:
        notes.append(f"{count} months: trend and season are told from {SHORTEST_SEASON} on.")
    known = values[np.isfinite(values)]
    if np.mean(known == 0) >= _LUMPY:
        notes.append(
            f"Nothing was sold in {int((known == 0).sum())} of {len(known)} months: models of this "
            "workshop take demand for steady; the panel has those for rare demand (Croston, TSB)."
        )
    return tuple(notes)


def _level(whole: np.ndarray, parts: Parts | None) -> np.ndarray:
    """The series without its season, on the scale of its parts."""
    if parts is not None:
        return parts.trend + parts.rest
    known = whole[np.isfinite(whole)]
    return np.log(known) if decomposing.is_log(known) else known


def _correlations(level: np.ndarray, fit: Fit | None) -> pd.DataFrame:
    """Correlograms of changes without season, and of what the model leaves."""
    residuals = np.empty(0) if fit is None else fit.residuals
    parts = {"changes of the level": np.diff(level), "errors of the model": residuals}
    tables = [diagnostics.correlations(part).assign(of=name) for name, part in parts.items()]
    return pd.concat(tables, ignore_index=True)[["of", "lag", "acf", "pacf", "bound"]]


def _tests(level: np.ndarray, fit: Fit | None) -> pd.DataFrame:
    """Tests of what the model leaves; of nothing where there is no model."""
    if fit is None:
        return diagnostics.residual_tests(np.empty(0), np.empty(0), np.empty(0), parameters=0)
    return diagnostics.residual_tests(fit.residuals, fit.said, level, parameters=fit.free)


def _ahead(
    fit: Fit | None, panel: pd.DataFrame, month: pd.DatetimeIndex, horizon: int
) -> pd.DataFrame:
    """Both answers by month ahead."""
    ahead = months.span(months.shift(month[-1], 1), horizon)
    own = dict.fromkeys(["quantity", "lower", "upper"], np.nan)
    if fit is not None:
        own = {"quantity": fit.mean, "lower": fit.lower, "upper": fit.upper}
    names = ["quantity", "quantity_lower", "quantity_upper"]
    said = panel.set_index("month")[names].astype("float64").reindex(ahead)
    said = said.set_axis(["panel", "panel_lower", "panel_upper"], axis=1)
    return said.assign(**own).reset_index()


def _is_same(past: pd.DataFrame, own: pd.DataFrame, name: str) -> bool:
    """Whether a rival said nothing else."""
    both = past.merge(own, on=["origin", "month"], how="inner", validate="one_to_one")
    return bool(np.allclose(both[name], both["quantity"], rtol=1e-6, equal_nan=True))


def _beside(told: pd.DataFrame, values: np.ndarray, month: pd.DatetimeIndex) -> pd.DataFrame:
    """Past forecasts beside what came and the month a year before; only what all spoke of."""
    known = pd.Series(values, index=month)
    twelve_before = told["month"] - pd.DateOffset(years=1)
    told = told.assign(
        actual=known.reindex(told["month"]).to_numpy(),
        **{LAST_YEAR: known.reindex(twelve_before).to_numpy()},
    )
    spoke = [name for name in told if name not in ("origin", "month") and told[name].notna().any()]
    return told[["origin", "month", *spoke]].dropna().reset_index(drop=True)


def _scores(told: pd.DataFrame) -> pd.DataFrame:
    """WAPE and bias of each rival; p value of its difference to the panel's combination."""
    names = [name for name in told if name not in ("origin", "month", "actual")]
    columns = ["who", "wape", "bias_rate", "months", "p_value"]
    if told.empty or told["actual"].sum() <= 0:
        return pd.DataFrame(columns=columns)
    sold = told["actual"].sum()
    errors = told[names].sub(told["actual"], axis=0)
    rows = [
        (
            name,
            errors[name].abs().sum() / sold,
            errors[name].sum() / sold,
            told["month"].nunique(),
            p_value((errors[name].abs() - errors[PANEL].abs()).groupby(told["month"]).mean())
            if PANEL in names and name != PANEL
            else np.nan,
        )
        for name in names
    ]
    return pd.DataFrame(rows, columns=columns).sort_values("wape", ignore_index=True)


def p_value(by_month: pd.Series) -> float:
    """Of Diebold and Mariano: the chance of such a mean difference of absolute errors by noise.

    Parameters
    ----------
    by_month : Series
        Difference of absolute errors in successive months. Errors of one month from several origins
        are averaged first: they are not new evidence.
    """
    if len(by_month) < _LEAST_JUDGED or np.ptp(by_month) == 0:
        return np.nan
    lags = {"maxlags": 3, "use_correction": True}
    mean = sm.OLS(by_month.to_numpy(), np.ones(len(by_month)))
    return float(mean.fit(cov_type="HAC", cov_kwds=lags, use_t=True).pvalues[0])
