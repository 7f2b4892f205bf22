"""How much of demand each known driver moved: one regression of the logarithms of group sums.

A group is the part of a family and channel whose series the same drivers touch. The logarithm of
its demand a month is a season shared by the family's groups, a level and a slope of its own, and
what drivers add: so a promotion of one channel is told from the season by the other channels of
the family. A channel may have a season of its own, a family and channel too, and a slope may
bend, each as far as data ask (random effects). Errors have a part shared by the family's groups
of a month and a part of each group, and remember the month before. Generalised least squares: all
is whitened, each family's own columns are taken out (Frisch, Waugh and Lovell), and statsmodels
infers on what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtr

_YEAR = 12
SHORTEST = 2 * _YEAR  # months: below it a season cannot be told from a driver
_TOLD = 1e-5  # least share of a column's variance that nothing else explains
_ROUNDS = 6  # of variances and effects in turn; more changes no third digit
_MOST_MEMORY = 0.8  # of an error in the next month
_START = 0.05  # standard deviation of random effects before data are seen
_BEND = 0.5  # standard deviation of the bend of a whole channel: as good as free
_LEAST = 1e-4  # of it: as good as none


@dataclass(frozen=True)
class Groups:
    """Logarithms (n_months, n_groups) of demand, the calendar month of each row, codes of groups.

    ``family`` and ``channel`` (n_groups,) are codes.
    """

    log: np.ndarray
    season: np.ndarray
    family: np.ndarray
    channel: np.ndarray

    def until(self, count: int) -> Groups:
        """The groups as they stood after so many months."""
        return replace(self, log=self.log[:count], season=self.season[:count])


@dataclass(frozen=True)
class Noise:
    """Errors: variance of each group's ``own``, of what a family's groups share, their memory.

    ``memory`` (n_families, 2) of the month before: of what is shared and of the rest; ``spread``:
    standard deviations of random effects: bends of families and of groups, seasons of family and
    channel, seasons of channels.
    """

    own: np.ndarray
    shared: np.ndarray
    memory: np.ndarray
    spread: np.ndarray


@dataclass(frozen=True)
class Fit:
    """Effects on the logarithm of demand and their covariance, NaN where they cannot be told.

    ``target`` (n_rows,) and ``columns`` are whitened, without what belongs to a family alone;
    ``family`` and ``month`` (n_rows,) say whose and when, −1 in rows that no month stands for.
    """

    effect: np.ndarray
    covariance: np.ndarray
    noise: Noise
    target: np.ndarray
    columns: np.ndarray
    family: np.ndarray
    month: np.ndarray

    @property
    def error(self) -> np.ndarray:
        """Standard error of each effect."""
        return np.sqrt(np.diag(self.covariance))


def fit(groups: Groups, columns: np.ndarray, noise: Noise | None = None) -> Fit:
    """Effects of drivers.

    Parameters
    ----------
    groups : Groups
        Complete: every group sold in every month, two years at least.
    columns : array (n_drivers, n_months, n_groups)
        What each driver does: for an event the share of the group that it covers in the month, for
        a series the logarithm of its value.
    noise : Noise, optional
        Of the errors; left out: learned from what effects leave, in turn with them.

    Returns
    -------
    Fit
        A driver whose column is all but a sum of others (a season, a trend) is not told.
    """
    is_told = np.ones(len(columns), dtype=bool)
    rounds, known = (1, noise) if noise is not None else (_ROUNDS, _first_noise(groups))
    for _ in range(rounds):
        parts = [_family(groups, columns, known, number) for number in range(len(known.memory))]
        told = _told(parts, is_told)
        if not told.all():
            is_told[np.flatnonzero(is_told)[~told]] = False
        result, common = _infer(groups, parts, is_told, known)
        effect = np.zeros(len(columns))
        effect[is_told] = result.params[: is_told.sum()]
        used = known
        if noise is None:
            known = _left(groups, columns, parts, effect, common, known)
    return _fit(parts, is_told, result, used)


def _fit(parts: list[_Part], is_told: np.ndarray, result, noise: Noise) -> Fit:
    """The effects in the order of the drivers given."""
    count, own = len(is_told), int(is_told.sum())
    effect, covariance = np.full(count, np.nan), np.full((count, count), np.nan)
    effect[is_told] = result.params[:own]
    covariance[np.ix_(is_told, is_told)] = result.cov_params()[:own, :own]
    family, month = [], []
    for number, part in enumerate(parts):
        months = len(part.nuisance)
        row = np.repeat(np.arange(months), len(part.own))
        month.append(np.append(row, np.full(len(part.target) - len(row), -1)))
        family.append(np.full(len(part.target), number))
    rest = np.full(len(result.model.endog) - sum(map(len, family)), -1)
    where = (np.concatenate([*rows, rest]) for rows in (family, month))
    return Fit(effect, covariance, noise, result.model.endog, result.model.exog, *where)


def p_value(effect: float, error: float) -> float:
    """Chance of an effect as large where there is none.

    Examples
    --------
    >>> round(p_value(0.196, 0.1), 3)
    0.05
    """
    return float(2.0 * ndtr(-abs(effect) / error))


def tried(groups: Groups, known: Fit, columns: np.ndarray, number: int) -> np.ndarray:
    """Z values of further drivers of one family, each alone beside all that is fitted already.

    Parameters
    ----------
    groups : Groups
        As fitted.
    known : Fit
        From ``fit``.
    columns : array (n_tried, n_months, n_groups)
        Further drivers.
    number : int
        The family.

    Returns
    -------
    array (2, n_tried)
        The z value, and by how much squared errors of the last twelve months fall when the driver
        is known from the months before alone (whitened; above zero: it helps).
    """
    own = known.family == number
    part = _family(groups, columns, known.noise, number)
    rows, beside = part.drivers, known.columns[own]
    inverse = np.linalg.pinv(known.columns.T @ known.columns, hermitian=True)
    cross = beside.T @ rows
    rows = rows - beside @ (inverse @ cross)
    left = known.target - known.columns @ (inverse @ (known.columns.T @ known.target))
    size = (part.drivers**2).sum(axis=0) - np.einsum("kn,kl,ln->n", cross, inverse, cross)
    z = part.drivers.T @ left[own] / np.sqrt(np.maximum(size, 1e-12))
    z = np.where(size > _TOLD, z, 0.0)
    is_last = known.month[own] >= known.month.max() - _YEAR + 1
    before, after = ((rows[chosen], left[own][chosen]) for chosen in (~is_last, is_last))
    learned = before[0].T @ before[1] / np.maximum((before[0] ** 2).sum(axis=0), 1e-12)
    errors = (after[1][:, None] - after[0] * learned) ** 2
    return np.stack([z, (after[1] ** 2).sum() - errors.sum(axis=0)])


@dataclass(frozen=True)
class _Part:
    """A family, whitened: what its own columns leave of target, drivers and what channels share."""

    own: np.ndarray  # positions of its groups
    nuisance: np.ndarray  # before whitening (n_months, n_groups, n_columns)
    solve: np.ndarray  # inverse of its normal equations
    whitened: np.ndarray
    target: np.ndarray
    drivers: np.ndarray
    channels: np.ndarray


def _first_noise(groups: Groups) -> Noise:
    families = groups.family.max() + 1
    own, shared = np.full(len(groups.family), 0.003), np.full(families, 0.001)
    return Noise(own, shared, np.zeros((families, 2)), np.full(4, _START))


def _family(groups: Groups, columns: np.ndarray, noise: Noise, number: int) -> _Part:
    own = np.flatnonzero(groups.family == number)
    nuisance, precision = _nuisance(groups, own, noise.spread)
    left = [_white(array, noise, number, own) for array in (nuisance, groups.log[:, own, None])]
    left += [_white(np.moveaxis(columns[:, :, own], 0, -1), noise, number, own)]
    left += [_white(_of_channels(groups, groups.channel[own]), noise, number, own)]
    whitened, *rest = [
        array.reshape(len(own) * len(array), -1 if array.size else 0) for array in left
    ]
    solve = np.linalg.pinv(whitened.T @ whitened + np.diag(precision), hermitian=True)
    # rows of random effects below: the residual of the whole system, priors among it
    prior = np.sqrt(precision)[:, None]

    def without(array: np.ndarray) -> np.ndarray:
        known = solve @ (whitened.T @ array)
        return np.concatenate([array - whitened @ known, -prior * known])

    target, drivers, channels = (without(array) for array in rest)
    return _Part(own, nuisance, solve, whitened, target[:, 0], drivers, channels)


def _nuisance(groups: Groups, own: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Season, levels, slopes, bends and channels' own seasons of a family, and their precision."""
    count, size = len(groups.log), len(own)
    each = np.broadcast_to(np.eye(size), (count, size, size))
    time, bent = _time(count)
    season = np.repeat(np.eye(_YEAR)[groups.season][:, None, 1:], size, axis=1)
    together = np.broadcast_to(bent, (count, size, 1))
    apart = _seasons(groups, groups.channel[own])
    blocks = [season, each, each * time, together, each * bent, apart]
    precision = np.repeat([0.0, *spread[:3] ** -2.0], _widths(size, apart.shape[-1]))
    return np.concatenate(blocks, axis=2), precision


def _widths(size: int, seasons: int) -> list[int]:
    """Columns of a family: fixed ones; random: the bend of all, bends of groups, seasons."""
    return [_YEAR - 1 + 2 * size, 1, size, seasons]


def _time(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Months from −1 to 1, and their squares about the mean (n_months, 1, 1)."""
    time = np.linspace(-1.0, 1.0, count)[:, None, None]
    return time, time**2 - (time**2).mean()


def _of_channels(groups: Groups, channel: np.ndarray) -> np.ndarray:
    """What families of a channel share (n_months, n_groups, 13 a channel): a season and a bend."""
    bends = np.eye(groups.channel.max() + 1)[channel] * _time(len(groups.log))[1]
    return np.concatenate([_seasons(groups, channel), bends], axis=2)


def _seasons(groups: Groups, channel: np.ndarray) -> np.ndarray:
    """A column for each channel and calendar month (n_months, n_groups, n_channels · 12)."""
    kinds = groups.channel.max() + 1
    code = channel[None] * _YEAR + groups.season[:, None]
    return np.eye(kinds * _YEAR)[code]


def _white(array: np.ndarray, noise: Noise, number: int, own: np.ndarray) -> np.ndarray:
    """Rows of a family whose errors are independent and of variance one (Prais and Winsten)."""
    turned = _turned(array, noise, number, own)
    memory = np.where(np.arange(len(own)) == 0, *noise.memory[number])[:, None]
    later = (turned[1:] - memory * turned[:-1]) / np.sqrt(1.0 - memory**2)
    return np.concatenate([turned[:1], later])


def _turned(array: np.ndarray, noise: Noise, number: int, own: np.ndarray) -> np.ndarray:
    """Groups of variance one: first what they share, then what tells them apart (Householder)."""
    apart = array / np.sqrt(noise.own[own])[:, None]
    along = 1.0 / np.sqrt(noise.own[own])
    strength = along @ along
    mirror = along / np.sqrt(strength) - np.eye(len(own))[0]
    if mirror @ mirror > 1e-20:
        mirror = mirror / np.sqrt(mirror @ mirror)
        apart = apart - 2.0 * mirror[:, None] * (mirror @ apart)[:, None]
    scale = np.where(np.arange(len(own)) == 0, np.sqrt(1.0 + noise.shared[number] * strength), 1.0)
    return apart / scale[:, None]


def _told(parts: list[_Part], is_told: np.ndarray) -> np.ndarray:
    """Which drivers are no sum of other columns."""
    drivers = np.concatenate([part.drivers for part in parts])[:, is_told]
    size = sum(part.whitened.shape[0] for part in parts)
    gram = drivers.T @ drivers
    ground = np.diag(gram)
    if not len(ground) or not size:
        return np.zeros(len(ground), dtype=bool)
    inverse = np.linalg.pinv(gram, rcond=1e-9, hermitian=True)
    # 1 where every direction of the column is seen, less where a sum with others vanishes
    seen = np.diag(inverse @ gram)
    return (ground > _TOLD) & (seen > 1.0 - 1e-6)


def _infer(groups, parts, is_told, noise):
    """Effects of drivers, and of what channels share, by statsmodels on whitened rows."""
    from statsmodels.api import OLS  # here: `status` and `check` must not wait for it

    target = np.concatenate([part.target for part in parts])
    drivers = np.concatenate([part.drivers for part in parts])[:, is_told]
    channels = np.concatenate([part.channels for part in parts])
    width, kinds = channels.shape[1], groups.channel.max() + 1
    wide = np.repeat([1.0 / noise.spread[3], 1.0 / _BEND], [kinds * _YEAR, kinds])
    prior = np.concatenate([np.zeros((width, drivers.shape[1])), np.diag(wide)], axis=1)
    rows = np.concatenate([np.concatenate([drivers, channels], axis=1), prior])
    # hasconst: no search for a constant, which would take a third of the time
    model = OLS(np.concatenate([target, np.zeros(width)]), rows, hasconst=False)
    result = model.fit(cov_type="fixed scale")
    return result, result.params[drivers.shape[1] :]


def _left(groups, columns, parts, effect, common, noise) -> Noise:
    """The noise that what effects leave shows."""
    residual = groups.log - np.tensordot(effect, columns, axes=1)
    residual = residual - _of_channels(groups, groups.channel) @ common
    squares, sizes, kinds = np.zeros(3), np.zeros(3), groups.channel.max() + 1
    for number, part in enumerate(parts):
        white = _white(residual[:, part.own, None], noise, number, part.own).ravel()
        known = part.solve @ (part.whitened.T @ white)
        residual[:, part.own] -= part.nuisance @ known
        is_used = (part.whitened**2).sum(axis=0) > 0
        kind = np.repeat(np.arange(4), _widths(len(part.own), kinds * _YEAR))
        moment = known**2 + np.diag(part.solve)
        for place in range(3):
            chosen = is_used & (kind == place + 1)
            squares[place] += moment[chosen].sum()
            sizes[place] += chosen.sum()
    spread = np.sqrt(squares / np.maximum(sizes, 1.0))
    shared = np.sqrt(np.mean(common[: kinds * _YEAR] ** 2))
    spread = np.maximum([*spread, shared], _LEAST)
    return _noise(parts, residual, spread)


def _noise(parts: list[_Part], residual: np.ndarray, spread: np.ndarray) -> Noise:
    """Variances by moments, corrected for what was fitted; memory drawn to that of all families."""
    count, families = len(residual), len(parts)
    own, shared = np.ones(residual.shape[1]), np.zeros(families)
    memory = np.zeros((families, 2))
    for_season = (count - 2) / max(count - _YEAR - 1, 1)
    for number, part in enumerate(parts):
        moments = residual[:, part.own].T @ residual[:, part.own] / (count - 2)
        size, alone = len(part.own), np.diag(moments)
        if size > 1:
            between = (moments.sum() - alone.sum()) / (size * (size - 1))
            shared[number] = max(between, 0.0) * for_season
            own[part.own] = np.maximum(alone - max(between, 0.0), 0.2 * alone + _LEAST**2)
        else:
            own[part.own] = alone * for_season + _LEAST**2
        blank = Noise(own, shared, memory, spread)
        turned = _turned(residual[:, part.own, None], blank, number, part.own)[:, :, 0]
        follows = (turned[1:] * turned[:-1]).sum(axis=0), (turned**2).sum(axis=0)
        sums = [(part[:1].sum(), part[1:].sum()) for part in follows]
        memory[number] = [a / b if b > 0 else 0.0 for a, b in zip(*sums, strict=True)]
    memory = memory + 4.0 / count  # a trend that is fitted hides some of it
    memory[:, 1] = memory[:, 1].mean()
    return Noise(own, shared, np.clip(memory, 0.0, _MOST_MEMORY), spread)
