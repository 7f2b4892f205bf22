"""ETS and SARIMAX of statsmodels on one series: chosen or as asked, with what they doubt.

Both give the same ``Fit``; events are taken out of history and put on the months ahead as
``event_sizes`` says.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.tools.numdiff import approx_hess
from statsmodels.tools.sm_exceptions import ConvergenceWarning
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.statespace.sarimax import SARIMAX

from sopkit import contract, months
from sopkit.demand import decomposing, diagnostics, event_sizes
from sopkit.demand.decomposing import SHORTEST_SEASON, YEAR
from sopkit.methods import FORMS, SINGLE

MODELS = SINGLE
SMOOTHING = {  # by the letters of the textbooks
    "alpha": "smoothing_level",
    "beta": "smoothing_trend",
    "gamma": "smoothing_seasonal",
    "phi": "damping_trend",
}
_WORDS = {"N": None, "A": "add", "M": "mul"}
_ORDERS = [(0, 1), (1, 0), (1, 1), (2, 0)]  # (p, q) that are tried
_PATHS, _SEED = 2000, 0  # simulated to find the 80 % band of ETS
_OUTSIDE = 10.0  # percent on each side of it
_Z80 = 1.2816
_EDGE = 0.005  # a smoothing parameter as near to 0 or 1 has no interval
_SEASONAL_STRENGTH = 0.64  # from which on a year is differenced (Hyndman's rule)
_NUMERICAL = UserWarning, RuntimeWarning  # statsmodels' on estimation, NumPy's on overflow
_CLOSE_ENOUGH = {"factr": 1e8, "pgtol": 1e-4}  # of a log likelihood: eight digits
_STOPPED = "The search for parameters ended before it was sure: take them as rough."


@dataclass(frozen=True)
class Fit:
    """What one model says of one series.

    ``fitted`` (n_months,), one step ahead, NaN where it had seen too little; ``mean``, ``lower``,
    ``upper`` (horizon,), 80 %; ``residuals`` and ``said`` (n,) on the model's scale;
    ``parameters``: ``parameter, value, lower, upper, state``; ``aicc``; ``free``: how many shape
    the errors; ``choice``: parameters that give the same model on other months; ``notes``.
    """

    words: str
    fitted: np.ndarray
    mean: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    residuals: np.ndarray
    said: np.ndarray
    parameters: pd.DataFrame
    aicc: float
    free: int
    choice: dict
    notes: tuple[str, ...]


def fit(values: np.ndarray, *, model: str, parameters: dict, events: pd.DataFrame) -> Fit:
    """One model on one series.

    Parameters
    ----------
    values : array (n_months,)
        Units, eight months or more, not all alike; NaN where a month is not known.
    model : str
        ``ets`` or ``sarimax``.
    parameters : dict
        Of ETS: ``form`` (of ``FORMS``), ``alpha``, ``beta``, ``gamma``, ``phi``, held where given.
        Of SARIMAX: ``order`` (p, d, q), ``seasonal_order`` (P, D, Q). What is left out is chosen
        by AICc, and estimated.
    events : DataFrame
        (n_months + horizon) rows, as many as months to tell; a column a kind: change expected, 0.3
        is a third more.

    Raises
    ------
    UsageError
        If a model or parameter is not known or cannot be, or nothing could be fitted.
    """
    known = {"ets": {"form", *SMOOTHING}, "sarimax": {"order", "seasonal_order"}}
    if model not in known:
        raise months.UsageError(f"no model {model!r}. {contract.nearest(model, list(known))}")
    for name in parameters:
        if name not in known[model]:
            hint = contract.nearest(name, sorted(known[model]))
            raise months.UsageError(f"{MODELS[model]} has no parameter {name!r}. {hint}")
    run = {"ets": _ets, "sarimax": _sarimax}[model]
    return run(values, parameters, events)


def _ets(values: np.ndarray, asked: dict, rates: pd.DataFrame) -> Fit:
    """Exponential smoothing in state space form; events are taken out first and put back."""
    from scipy import stats  # here: `status` must not wait for it

    _check_smoothing(asked)
    count, takes_log = len(values), decomposing.is_log(values)
    horizon = len(rates) - count
    acting = event_sizes.measured(values, rates, takes_log)
    without = _moved(decomposing.filled(values), -acting.whole[:count], takes_log)
    forms = _admissible(count, takes_log)
    if "form" in asked:
        if asked["form"] not in forms:
            raise months.UsageError(
                f"ETS form {asked['form']} is not for this series: trend and season need "
                f"{SHORTEST_SEASON} months, a part that multiplies months above zero. "
                f"Left: {', '.join(forms)}."
            )
        forms = [asked["form"]]
    tried = {form: _smoothed(without, form) for form in forms}
    form = min(tried, key=lambda name: _aicc(tried[name], count))
    found, notes = tried[form], acting.notes
    held = {SMOOTHING[name]: asked[name] for name in SMOOTHING if name in asked}
    names = found.model.param_names
    is_held = [name in held for name in names]
    bounds = np.full((len(names), 2), np.nan)
    if any(is_held):
        given = [held.get(name, value) for name, value in zip(names, found.params, strict=True)]
        found = found.model.smooth(np.array(given))
    elif names:
        notes += () if found.mle_retvals["converged"] else (_STOPPED,)
        bounds = _curvature_bounds(found)
    errors = np.asarray(found.resid)
    spread = np.sqrt(errors @ errors / max(count - _learned(found.model), 1))
    paths = found.simulate(
        horizon,
        anchor="end",
        repetitions=_PATHS,
        random_errors=stats.norm(scale=spread),
        rng=np.random.default_rng(_SEED),
    )
    ahead, later = np.asarray(found.forecast(horizon)), acting.whole[count:]
    lower, upper = np.nanpercentile(np.asarray(paths), [_OUTSIDE, 100 - _OUTSIDE], axis=1)
    letters = {full: letter for letter, full in SMOOTHING.items()}
    rows = [
        (letters[name], value, *bound, "held" if own else "estimated")
        for name, value, bound, own in zip(names, found.params, bounds, is_held, strict=True)
    ]
    rows.append(
        ("first level", float(found.initial_level), np.nan, np.nan, "from the first months")
    )
    back = [np.maximum(_moved(part, later, takes_log), 0.0) for part in (ahead, lower, upper)]
    fitted = np.asarray(found.fittedvalues)
    return Fit(
        f"ETS({form[0]},{form[1:-1]},{form[-1]})",
        np.maximum(_moved(fitted, acting.whole[:count], takes_log), 0.0),
        *back,
        errors,
        fitted,
        _parameters(rows + acting.rows),
        _aicc(found, count),
        len(names) - sum(is_held),
        {"form": form} | {name: asked[name] for name in SMOOTHING if name in asked},
        notes,
    )


def _check_smoothing(asked: dict) -> None:
    """Smoothing parameters lie between 0 and 1; the form is one there is."""
    for name in SMOOTHING:
        if name in asked and not 0.0 <= asked[name] <= 1.0:
            raise months.UsageError(f"{name} is {asked[name]:g}. It lies between 0 and 1.")
    if asked.get("form", FORMS[0]) not in FORMS:
        hint = contract.nearest(asked["form"], FORMS)
        raise months.UsageError(f"ETS has no form {asked['form']!r}. {hint}")


def _admissible(count: int, takes_log: bool) -> list[str]:
    """Forms that a series of so many months can tell; multiplied ones only above zero."""
    return [
        form
        for form in FORMS
        if (takes_log or "M" not in form)
        and (count >= SHORTEST_SEASON or form[-1] == "N")
        and (count >= SHORTEST_SEASON or form[1:-1] == "N")
    ]


def _smoothed(values: np.ndarray, form: str):
    """A form fitted; states begin as its first months say, so that only smoothing is searched."""
    error, trend, season = form[0], form[1:-1], form[-1]
    model = ETSModel(
        pd.Series(values),
        error=_WORDS[error],
        trend=_WORDS[trend[0]],
        damped_trend=trend == "Ad",
        seasonal=_WORDS[season],
        seasonal_periods=YEAR if season != "N" else None,
        initialization_method="heuristic",
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # told by `converged`
        warnings.simplefilter("ignore", RuntimeWarning)  # a form that explodes is not the best
        return model.fit(disp=False)


def _aicc(found, count: int) -> float:
    """AICc; first states count as parameters, as they are taken from the same months."""
    free = _learned(found.model) + 1  # and the variance
    rest = count - free - 1
    aicc = 2 * free - 2 * found.llf + 2 * free * (free + 1) / rest if rest > 0 else np.inf
    return float(aicc) if np.isfinite(aicc) else np.inf


def _learned(model: ETSModel) -> int:
    """Figures taken from the series: smoothing, first level, trend and season."""
    states = 1 + int(bool(model.trend)) + (YEAR - 1 if model.seasonal else 0)
    return len(model.param_names) + states


def _curvature_bounds(found) -> np.ndarray:
    """80 % interval of each smoothing parameter, by how its likelihood bends beside the others.

    One that the search left at an edge has none, and stands still for the others.
    """
    values = np.asarray(found.params, dtype="float64")
    inside = (values > _EDGE) & (values < 1.0 - _EDGE)

    def likelihood(free: np.ndarray) -> float:
        own = values.copy()
        own[inside] = free
        return found.model.loglike(own)

    bounds = np.full((len(values), 2), np.nan)
    if inside.any():
        bend = np.linalg.pinv(-approx_hess(values[inside], likelihood)).diagonal()
        width = _Z80 * np.sqrt(np.where(bend > 0, bend, np.nan))
        bounds[inside] = np.column_stack([values[inside] - width, values[inside] + width])
    return bounds.clip(0.0, 1.0)


def _bounds(found) -> np.ndarray:
    """80 % interval of each parameter of a SARIMAX, missing where the likelihood is flat."""
    with warnings.catch_warnings():
        for kind in _NUMERICAL:  # a flat likelihood has no curvature: missing
            warnings.simplefilter("ignore", kind)
        try:
            return np.asarray(found.conf_int(alpha=2 * _OUTSIDE / 100), dtype="float64")
        except (np.linalg.LinAlgError, ValueError):
            return np.full((len(found.params), 2), np.nan)


def _sarimax(values: np.ndarray, asked: dict, rates: pd.DataFrame) -> Fit:
    """ARIMA with season and regressors, on logarithms where every month is above zero."""
    count, takes_log = len(values), decomposing.is_log(values)
    horizon = len(rates) - count
    acting = event_sizes.measured(values, rates, takes_log)
    scaled = (np.log(values) if takes_log else values) - acting.given[:count]
    kinds, regressors = list(acting.regressors), acting.regressors.to_numpy()
    tried, notes = [], acting.notes
    for order, seasonal in _orders(values, asked):
        searched = _searched(scaled, regressors[:count], order, seasonal)
        if searched is not None and np.isfinite(searched.aicc):
            tried.append((searched.aicc, order, seasonal, searched))
    if not tried:
        raise months.UsageError(
            "No SARIMAX could be fitted to these months: choose smaller orders, or ETS."
        )
    _, order, seasonal, searched = min(tried, key=lambda one: one[0])
    notes += () if searched.mle_retvals["converged"] else (_STOPPED,)
    with warnings.catch_warnings():
        for kind in _NUMERICAL:  # of where a search would begin: it is over
            warnings.simplefilter("ignore", kind)
        found = _state_space(scaled, regressors[:count], order, seasonal).smooth(searched.params)
    said = found.get_forecast(horizon, exog=regressors[count:] if kinds else None)
    centre, width = said.predicted_mean + acting.given[count:], said.se_mean
    ahead = [centre, centre - _Z80 * width, centre + _Z80 * width]
    if takes_log:  # the mean of what is spread evenly in logarithms is above its middle
        ahead = [np.exp(part) for part in (centre + width**2 / 2, *ahead[1:])]
    burnt = max(found.loglikelihood_burn, order[1] + YEAR * seasonal[1])
    past = np.where(np.arange(count) >= burnt, found.fittedvalues, np.nan)
    residuals, told = scaled - past, np.isfinite(scaled - past)
    bounds = _bounds(found)
    rows = [
        (_named(name, kinds), value, *bound, "estimated")
        for name, value, bound in zip(found.model.param_names, found.params, bounds, strict=True)
    ]
    fitted = past + acting.given[:count]
    return Fit(
        _sarima_words(order, seasonal, takes_log),
        np.exp(fitted) if takes_log else np.maximum(fitted, 0.0),
        *(np.maximum(part, 0.0) for part in ahead),
        residuals[told],
        past[told],
        _parameters(rows + [row for row in acting.rows if row[-1] == "expected"]),
        float(searched.aicc),
        order[0] + order[2] + seasonal[0] + seasonal[2],
        {"order": order, "seasonal_order": seasonal},
        notes,
    )


def _sarima_words(order: tuple, seasonal: tuple, takes_log: bool) -> str:
    """``SARIMA(0,1,1)(0,1,1) on logarithms``."""
    parts = [f"({','.join(map(str, part))})" for part in (order, seasonal) if any(part)]
    return "SARIMA" + ("".join(parts) or "(0,0,0)") + (" on logarithms" if takes_log else "")


def _named(parameter: str, kinds_of_events: list[str]) -> str:
    """``ar.S.L12`` and ``x1`` in words."""
    kind, *rest = parameter.split(".")
    if kind[0] == "x":
        return event_sizes.words(kinds_of_events[int(kind[1:]) - 1])
    kinds = {"ar": "autoregression", "ma": "moving average", "intercept": "drift or mean"}
    lag = f", lag {rest[-1].removeprefix('L')}" if kind in ("ar", "ma") else ""
    return kinds.get(kind, parameter) + lag


def _orders(values: np.ndarray, asked: dict) -> list[tuple]:
    """Orders to try: as asked, else differences by their tests and small orders around."""
    for name in ("order", "seasonal_order"):
        if name in asked and (len(asked[name]) != 3 or min(asked[name]) < 0):
            raise months.UsageError(f"{name} is {asked[name]!r}. Give three counts from 0.")
    known = decomposing.filled(values)
    parts = decomposing.decompose(known)
    is_seasonal = parts is not None and parts.season_strength >= _SEASONAL_STRENGTH
    plain = [(0, 0, 0)] if parts is None else [(0, 0, 0), (1, 0, 0)]
    seasonal = [(0, 1, 1)] if is_seasonal else plain
    seasonal = [tuple(asked["seasonal_order"])] if "seasonal_order" in asked else seasonal
    scaled = np.log(known) if decomposing.is_log(known) else known
    if seasonal[0][1]:
        scaled = scaled[YEAR:] - scaled[:-YEAR]
    difference = int(diagnostics.needs_difference(scaled))
    orders = [(p, difference, q) for p, q in _ORDERS]
    orders = [tuple(asked["order"])] if "order" in asked else orders
    return [(order, part) for part in seasonal for order in orders]


def _searched(scaled: np.ndarray, regressors: np.ndarray, order: tuple, seasonal: tuple):
    """One SARIMAX estimated on differences, which is fast; nothing where statsmodels finds none."""
    with warnings.catch_warnings():
        for kind in _NUMERICAL:  # where it begins; whether it converged is told
            warnings.simplefilter("ignore", kind)
        try:
            model = _state_space(scaled, regressors, order, seasonal, simple_differencing=True)
            return model.fit(disp=False, maxiter=50, cov_type="none", **_CLOSE_ENOUGH)
        except (np.linalg.LinAlgError, ValueError):
            return None


def _state_space(scaled, regressors, order, seasonal, **choices) -> SARIMAX:
    """The model; with a mean where nothing is differenced, a drift where one difference is."""
    return SARIMAX(
        scaled,
        exog=regressors if regressors.shape[1] else None,
        order=order,
        seasonal_order=(*seasonal, YEAR if any(seasonal) else 0),
        trend="c" if order[1] + seasonal[1] < 2 else "n",
        concentrate_scale=True,
        **choices,
    )


def _moved(values: np.ndarray, move: np.ndarray, takes_log: bool) -> np.ndarray:
    return values * np.exp(move) if takes_log else values + move


def _parameters(rows: list[tuple]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["parameter", "value", "lower", "upper", "state"])
    return table.astype(dict.fromkeys(["value", "lower", "upper"], "float64"))
