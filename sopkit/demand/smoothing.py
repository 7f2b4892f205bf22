"""Exponential smoothing and Theta on a whole panel at once; one recursion scores all origins.

Arrays have shape (n_months, n_series), NaN before a series' first month (and where a month is
unknown). An *origin* is the number of months known to a forecast: the state at an origin uses
earlier rows only, so the recursion that ends with today's forecast passes through every past one.
Each step is elementwise over grid × series: how series are split into blocks changes no bit.

A grid of parameters is not searched for one winner: every point is weighed by how likely its past
errors make it, at one, four and eight months ahead together, and states are averaged with these
weights. One-step errors alone choose trends that run away eight months later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sopkit.demand import seasons
from sopkit.demand.seasons import YEAR

FITTED_LAGS = (1, 4, 8)  # months ahead at which the points of a grid are judged, one first
SETTLED = 36  # months from which on a series' first season is known well enough
_SMALLEST_SHARE = 0.02  # of the mean so far: logs see no month as smaller
_SMALLEST_SEASON = 0.1  # a multiplicative index never falls below: dividing by it would explode
_LARGEST_SEASON = 10.0
_DRIFT_MONTHS = 12.0  # age at which the slope of a series counts half
_LEAST_WEIGHT = -40.0  # log of the weight below which a grid point counts nothing
_SMALLEST_BASE = 1e-3  # of the first months' mean: with multiplied seasons no level falls below
_STACKED = 4096  # pairs of origin and series that one recursion takes at once
_TINY = 1e-30  # stands in for zero where something is divided by it


def grid(alphas, betas=(0.0,), phis=(1.0,), gammas=(0.0,)) -> np.ndarray:
    """Points (n_grid, 4) of alpha, beta, phi, gamma; a point without trend has one phi only.

    Parameters
    ----------
    alphas, betas, phis, gammas : sequences of float
        Weight of the latest error in the level; in the trend, as a share of alpha; damping of the
        trend a month; weight in the season, as a share of 1 − alpha.

    Examples
    --------
    >>> grid((0.5,), (0.0, 0.1), (0.8, 0.9)).tolist()
    [[0.5, 0.0, 0.8, 0.0], [0.5, 0.05, 0.8, 0.0], [0.5, 0.05, 0.9, 0.0]]
    """
    points = [
        (a, a * b, p, g * (1.0 - a))
        for a in alphas
        for b in betas
        for p in (phis if b > 0 else phis[:1])
        for g in gammas
    ]
    return np.array(points)


@dataclass(frozen=True)
class Form:
    """A model of exponential smoothing: its grid, scale, season and trend.

    ``scale`` is plain, root or log; ``season`` is none, additive or multiplicative, on that scale
    (additive on logs is a multiplicative season); ``drift`` is the share of the slope of all
    months so far that every step adds (one half is Theta: Hyndman & Billah 2003).
    """

    grid: np.ndarray
    scale: str = "plain"
    season: str = "additive"
    drift: float = 0.0


@dataclass(frozen=True)
class Trace:
    """What a recursion leaves.

    ``forecasts`` (n_origins, horizon, n_series) in units; ``spread`` (n_origins, n_series): root
    mean squared one-step error so far; ``errors`` (n_months, n_series): mean one-step error of the
    grid, NaN where there is none. Spread and errors are on the form's scale.
    """

    forecasts: np.ndarray
    spread: np.ndarray
    errors: np.ndarray


def first_month(values: np.ndarray) -> np.ndarray:
    """Position of each series' first month (n_months where it has none)."""
    known = np.isfinite(values)
    return np.where(known.any(axis=0), known.argmax(axis=0), len(values))


def to_scale(values: np.ndarray, scale: str) -> np.ndarray:
    """Demand on the scale of a form: plain, root, or log of no less than 2 % of the mean so far."""
    if scale == "plain":
        return values
    if scale == "root":
        return np.sqrt(np.maximum(values, 0.0))
    known = np.isfinite(values)
    total, count = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    floor = np.empty_like(values)
    for t in range(len(values)):
        total += np.where(known[t], values[t], 0.0)
        count += known[t]
        floor[t] = _SMALLEST_SHARE * total / np.maximum(count, 1.0)
    return np.log(np.maximum(values, np.maximum(floor, _TINY)))


def _from_scale(values: np.ndarray, scale: str) -> np.ndarray:
    if scale == "log":
        return np.exp(np.minimum(values, 700.0))
    return np.maximum(values, 0.0) ** (2 if scale == "root" else 1)


def _line(values: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares level at a series' first month and slope, over its first months."""
    age = np.arange(len(values))[:, None] - first_month(values)[None]
    known = np.isfinite(values) & (age >= 0) & (age < longest)
    n = np.maximum(known.sum(axis=0), 1)
    x, y = np.where(known, age, 0.0), np.where(known, values, 0.0)
    mean_x, mean_y = x.sum(axis=0) / n, y.sum(axis=0) / n
    apart = np.where(known, age - mean_x, 0.0)
    spread = (apart**2).sum(axis=0)
    slope = (apart * y).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    return mean_y - slope * mean_x, slope


def _slopes(values: np.ndarray) -> np.ndarray:
    """Least-squares slope of all months up to and with each, drawn to zero while they are few."""
    known = np.isfinite(values)
    age = np.where(known, np.arange(len(values))[:, None] - first_month(values)[None], 0.0)
    y = np.where(known, values, 0.0)
    n, x, square, total, product = (np.zeros(values.shape[1]) for _ in range(5))
    slopes = np.zeros_like(values)
    for t in range(len(values)):  # row by row: numpy's cumsum down a column is several times slower
        n += known[t]
        x += age[t]
        square += age[t] ** 2
        total += y[t]
        product += age[t] * y[t]
        spread = n * square - x**2
        slope = (n * product - x * total) / np.where(spread > 0, spread, 1.0)
        slopes[t] = np.where(spread > 0, slope, 0.0) * n / (n + _DRIFT_MONTHS)
    return slopes


def trace(
    values: np.ndarray, form: Form, season: np.ndarray, origins: list[int], horizon: int
) -> Trace:
    """Forecasts of one form at every origin, from one recursion over the months.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units, not negative.
    form : Form
        The model.
    season : array (12, n_series)
        Multiplicative index before the first month; row 0 belongs to the first row of ``values``.
    origins : list of int
        Numbers of months known, ascending; forecasts begin in the month after them.
    horizon : int
        Months ahead.

    Returns
    -------
    Trace
        Forecasts in units, not negative, not bounded above.

    Notes
    -----
    Error-correction form of additive exponential smoothing (Gardner & McKenzie 1985; Hyndman et al.
    2008, ch. 2; with a drift: Hyndman & Billah 2003). Weight of a point ∝ ∏ S_k^(−n_k/6), where
    S_k sums its n_k squared errors k months ahead: the likelihood of normal errors, to the power
    of a third for each of three lags.
    """
    if values.shape[1] == 1:
        two = seasons.beside_itself(values), form, seasons.beside_itself(season)
        made = trace(*two, origins, horizon)
        return Trace(made.forecasts[..., :1], made.spread[:, :1], made.errors[:, :1])
    values, season = np.ascontiguousarray(values), np.ascontiguousarray(season)
    scaled = to_scale(values, form.scale)
    first = first_month(values)
    level, trend, index = _start(scaled, form, season)
    slopes = form.drift * _slopes(_without_season(scaled, index, form))
    slopes = np.vstack([np.zeros((1, len(level))), slopes])  # row t: known before month t
    usual = _usual(scaled)
    scaled, slopes = scaled.astype(values.dtype), slopes.astype(values.dtype)
    state = _State(form, *(part.astype(values.dtype) for part in (level, trend, index, usual)))
    forecasts, spreads, errors = [], [], np.full(scaled.shape, np.nan)
    for t in range(len(scaled) + 1):
        if t in origins:
            share = state.shares()
            forecasts.append(state.ahead(share, slopes[t], t, horizon))
            spreads.append(state.spread(share))
        if t < len(scaled):
            errors[t] = state.step(scaled[t], slopes[t], t >= first, t)
            state.say(slopes[t + 1], t >= first, t)
    made, spread = _from_scale(np.stack(forecasts), form.scale), np.stack(spreads)
    if form.scale == "root":  # the mean of a square is the square of the mean, and the variance
        made = made + (spread**2)[:, None]
    return Trace(made, spread, errors)


def _without_season(scaled: np.ndarray, index: np.ndarray, form: Form) -> np.ndarray:
    tiled = seasons.tile_season(index, len(scaled))
    return scaled / tiled if form.season == "multiplicative" else scaled - tiled


def _start(scaled: np.ndarray, form: Form, season: np.ndarray) -> tuple[np.ndarray, ...]:
    """Level and trend before the first month, and the season by row of the panel, on the scale."""
    if form.season == "multiplicative":
        index = np.maximum(season, _SMALLEST_SEASON)
    elif form.season == "none":
        index = np.zeros_like(season)
    elif form.scale == "log":
        index = np.log(np.maximum(season, _SMALLEST_SHARE))
    else:
        level, slope = _line(scaled, SETTLED)
        age = np.minimum(len(scaled) - first_month(scaled), SETTLED)
        middle = np.maximum(level + slope * age / 2.0, 0.0)
        index = middle * ((np.sqrt(season) if form.scale == "root" else season) - 1.0)
    level, slope = _line(_without_season(scaled, index, form), YEAR)
    if form.season == "multiplicative":
        level = np.maximum(level, 0.0)
    has_trend = form.drift == 0.0 and (form.grid[:, 1] > 0).any()
    return level, 0.5 * slope if has_trend else np.zeros_like(slope), index


def _usual(scaled: np.ndarray) -> np.ndarray:
    """Mean of a series' first months on the scale."""
    age = np.arange(len(scaled))[:, None] - first_month(scaled)[None]
    known = np.isfinite(scaled) & (age < SETTLED)
    return np.where(known, scaled, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)


class _State:
    """Level, trend and season of every grid point of every series, month after month.

    Arrays have shape (n_grid, n_series). A class, because a recursion has a state that changes.
    """

    def __init__(
        self, form: Form, level: np.ndarray, trend: np.ndarray, index: np.ndarray, usual: np.ndarray
    ) -> None:
        points = np.ones((len(form.grid), 1), dtype=level.dtype)
        self.alpha, self.beta, self.phi, self.gamma = (c[:, None] * points for c in form.grid.T)
        self.level, self.trend = points * level, points * trend
        self.season = None if form.season == "none" else [points * row for row in index]
        self.is_multiplied = form.season == "multiplicative"
        self.smallest = _SMALLEST_BASE * np.maximum(usual, _TINY)
        self.squares = [np.zeros_like(self.level) for _ in FITTED_LAGS]
        self.counts = [np.zeros_like(level) for _ in FITTED_LAGS]
        self.said = [[None] * lag for lag in FITTED_LAGS]  # (forecast, who had begun), by month
        self.reach = [self._reach(lag) for lag in FITTED_LAGS]
        self.was_begun = np.zeros(len(level), dtype=bool)
        self.has_trend = bool((self.beta > 0).any() or trend.any())

    def _reach(self, months: int) -> np.ndarray:
        """By what a trend is multiplied that many months ahead: φ + φ² + …."""
        return sum(self.phi**k for k in range(1, months + 1))

    def _fitted(self, base: np.ndarray, t: int) -> np.ndarray:
        if self.season is None:
            return base
        if self.is_multiplied:
            return np.maximum(base, self.smallest) * self.season[t % YEAR]
        return base + self.season[t % YEAR]

    def step(self, row: np.ndarray, slope: np.ndarray, begun: np.ndarray, t: int) -> np.ndarray:
        """Take in month ``t``; the mean one-step error of the grid, NaN where nothing is known."""
        known = np.isfinite(row)
        row = np.where(known, row, 0.0)
        for k, lag in enumerate(FITTED_LAGS[1:], start=1):
            if self.said[k][t % lag] is not None:
                missed, was_begun = self.said[k][t % lag]
                np.subtract(row, missed, out=missed)
                self._judge(k, missed, known & was_begun)
        has_begun = begun.all()  # then nothing need be masked, which is most of the time
        self.level += slope if has_begun else np.where(begun, slope, 0.0)
        if self.has_trend:
            self.trend *= self.phi if has_begun else np.where(begun, self.phi, 1.0)
            self.level += self.trend if has_begun else self.trend * begun
        error = row - self._fitted(self.level, t)
        if not known.all():
            error *= known
        self._judge(0, error.copy(), known & self.was_begun)
        self.was_begun = begun
        mean = np.where(known, error.mean(axis=0), np.nan)
        if self.is_multiplied:
            season = self.season[t % YEAR]
            np.maximum(self.level, self.smallest, out=self.level)
            moved = error / self.level
            moved *= self.gamma
            moved += season
            np.maximum(moved, _SMALLEST_SEASON, out=moved)
            self.season[t % YEAR] = np.minimum(moved, _LARGEST_SEASON, out=moved)
            error /= season
        elif self.season is not None:
            self.season[t % YEAR] += self.gamma * error
        self.level += self.alpha * error
        if self.has_trend:
            error *= self.beta
            self.trend += error
        return mean

    def _judge(self, k: int, missed: np.ndarray, judged: np.ndarray) -> None:
        if not judged.all():
            missed *= judged
        missed *= missed
        self.squares[k] += missed
        self.counts[k] += judged

    def say(self, slope: np.ndarray, begun: np.ndarray, t: int) -> None:
        """Note what is forecast for the months at which the grid will be judged."""
        for k, lag in enumerate(FITTED_LAGS[1:], start=1):
            base = self.level + slope * lag
            if self.has_trend:
                base += self.reach[k] * self.trend
            self.said[k][t % lag] = (self._fitted(base, t + lag), begun)

    def shares(self) -> np.ndarray:
        """Weight of each grid point, summing to one a series."""
        return likelihood_shares(self.squares, self.counts)

    def spread(self, share: np.ndarray) -> np.ndarray:
        """Root mean squared one-step error so far, on the scale."""
        squares = (share * self.squares[0]).sum(axis=0)
        return np.sqrt(squares / np.maximum(self.counts[0], 1.0))

    def ahead(self, share: np.ndarray, slope: np.ndarray, t: int, horizon: int) -> np.ndarray:
        """Forecasts (horizon, n_series) from the mean state, on the scale."""
        steps = np.arange(1, horizon + 1)[:, None]
        base = (share * self.level).sum(axis=0) + slope * steps
        weighted = share * self.trend
        for phi in np.unique(self.phi):
            own = weighted[self.phi[:, 0] == phi].sum(axis=0)
            base = base + np.cumsum(phi**steps, axis=0) * own
        if self.season is None:
            return base
        year = [(share * self.season[(t + k) % YEAR]).sum(axis=0) for k in range(YEAR)]
        year = np.stack(year)[np.arange(horizon) % YEAR]
        return np.maximum(base, 0.0) * year if self.is_multiplied else base + year


def likelihood_shares(squares: list[np.ndarray], counts: list[np.ndarray]) -> np.ndarray:
    """Weight (n_grid, n_series) of each point from sums of squared errors, one array a lag."""
    likelihood = np.zeros_like(squares[0])
    for own, count in zip(squares, counts, strict=True):
        own = np.maximum(own, _TINY)
        likelihood -= 0.5 * count / len(squares) * np.log(own / own.min(axis=0))
    likelihood -= likelihood.max(axis=0)
    share = np.exp(np.maximum(likelihood, _LEAST_WEIGHT))
    return share / share.sum(axis=0)


def at_origins(
    values: np.ndarray,
    form: Form,
    origins: list[int],
    horizon: int,
    known_seasons: dict[int, np.ndarray],
) -> Trace:
    """Forecasts of one form at every origin, each from what was known there.

    Parameters
    ----------
    values : array (n_months, n_series)
        Demand, units, not negative.
    form : Form
        The model.
    origins : list of int
        Numbers of months known, ascending.
    horizon : int
        Months ahead.
    known_seasons : dict of int to array (12, n_series)
        Season as it was known at each origin (``seasons.seasonal_indices``).

    Returns
    -------
    Trace
        NaN where a series has no month yet; errors before the last 36 months only where the series
        is older than that.

    Notes
    -----
    A series starts with the season known at the first origin at which it is 36 months old; from
    there on one recursion serves all origins. At origins where it is younger, it gets a recursion
    of its own, which starts with the season known there.
    """
    first = first_month(values)
    out = np.full((len(origins), horizon, values.shape[1]), np.nan, dtype=values.dtype)
    spread, errors = np.full(out[:, 0].shape, np.nan), np.full(values.shape, np.nan)
    ages = np.array(origins)[:, None] - first[None]
    old = np.flatnonzero(ages[-1] >= SETTLED)
    if len(old):
        own, settled = values[:, old], (ages[:, old] >= SETTLED).argmax(axis=0)
        season = np.stack([known_seasons[o][:, old] for o in origins])[
            settled, :, range(len(old))
        ].T
        made = trace(own, form, season, origins, horizon)
        out[:, :, old], spread[:, old], errors[:, old] = made.forecasts, made.spread, made.errors
    out[np.broadcast_to((ages < SETTLED)[:, None], out.shape)] = np.nan
    number, young = np.nonzero((ages < SETTLED) & (ages > 0))
    if len(young):
        ends = np.array(origins)[number]
        height = min(SETTLED, origins[-1])
        own, season = _ending_at(values, known_seasons, ends, young, height)
        made = trace(own, form, season, [height], horizon)
        out[number, :, young], spread[number, young] = made.forecasts[0].T, made.spread[0]
        is_last = number == len(origins) - 1
        errors[origins[-1] - height : origins[-1], young[is_last]] = made.errors[:, is_last]
    return Trace(out, spread, errors)


def _ending_at(
    values: np.ndarray,
    known_seasons: dict[int, np.ndarray],
    ends: np.ndarray,
    columns: np.ndarray,
    height: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Columns moved down so that the months before each end stand last, and their seasons."""
    rows = ends - height + np.arange(height)[:, None]
    moved = np.where(rows >= 0, values[np.maximum(rows, 0), columns], np.nan)
    season = np.empty((YEAR, len(ends)))
    for end in np.unique(ends):
        own = ends == end
        turned = known_seasons[end][(end - height + np.arange(YEAR)) % YEAR]
        season[:, own] = turned[:, columns[own]]
    return moved, season


def adjusted_at_origins(
    values: np.ndarray,
    form: Form,
    origins: list[int],
    horizon: int,
    known_seasons: dict[int, np.ndarray],
) -> np.ndarray:
    """Forecasts of a form without season on seasonally adjusted months, season put back.

    Parameters and result as in ``at_origins``: the classical way of Theta (Assimakopoulos &
    Nikolopoulos 2000), where the whole past known at an origin says the season.
    """
    out = np.full((len(origins), horizon, values.shape[1]), np.nan, dtype=values.dtype)
    ages = np.array(origins)[:, None] - first_month(values)[None]
    number, columns = np.nonzero(ages > 0)
    order = np.argsort(ages[number, columns], kind="stable")  # alike ages need alike many months
    for part in np.array_split(order, -(-len(order) // _STACKED) or 1):
        if not len(part):
            continue
        ends, own = np.array(origins)[number[part]], columns[part]
        height = int(ages[number[part], own].max())
        moved, season = _ending_at(values, known_seasons, ends, own, height)
        adjusted = moved / seasons.tile_season(season, height)
        flat = np.ones_like(season)
        made = trace(adjusted, form, flat, [height], horizon).forecasts[0]
        out[number[part], :, own] = (made * seasons.tile_season(season, horizon, height)).T
    return out
