"""Who made the plan better: value added by each step and department, and by each touch.

Value added = error before − error after, share of what came (positive: the step helped). It is
measured by family and month, where volume is decided, with an interval from months drawn anew in
blocks: errors of neighbouring months hang together.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from sopkit import months, schema
from sopkit.demand import lags

SHOWN = "forecast with events"  # to departments; events known only by hindsight stay out
NEAR = -3  # lag of rows that measure the lags of NEAR_LAGS together
NEAR_LAGS = (1, 3)  # first and last month ahead
FEWEST_MONTHS = 6  # judged before there is a verdict
LEVEL = 0.95  # of the interval
_FAMILIES = 1_000_000  # more than a company has: member and family stand in one number
DRAWS, SEED, BLOCK = 1_000, 20_260, 3
HELPS, HARMS, EARLY = "adds value", "destroys value", "too early to say"
NOTHING, ALIKE = "changed nothing", "no difference"
HIGH, LOW, EVEN = "too high", "too low", "no habit seen"
_ALIKE = 0.05  # share of the error before within which a gain makes no difference
_LEAST_BIAS = 0.01  # of what came: below it nobody has a habit
_PRIOR_TOUCHES = 6.0  # touches at which an author's own past counts half


def value_added(
    past: lags.Past,
    *,
    level: str = "total",
    each_lag: bool = True,
    draws: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Table ``value_added``: each layer beside what it started from.

    Parameters
    ----------
    past : Past
        From ``lags.past_plans``.
    level : str
        ``total``, or a column of the past's rows to tell members apart by, for example ``family``.
    each_lag : bool
        Whether to tell every lag, not only the near ones together and the lead time.
    draws, seed : int
        Of the bootstrap.

    Returns
    -------
    DataFrame
        Key ``level, member, layer, beside, lag`` (−3: one to three months together, −2: each item
        at its lead time): ``gain_rate`` with ``gain_lower, gain_upper``, ``wape``, ``before_wape``
        on the same keys, ``gain_value`` (money a month at today's prices), ``verdict``;
        ``bias_rate`` with ``bias_lower, bias_upper`` and ``habit``; ``months`` and ``cycles``
        judged; ``is_department``: a department beside the forecast that it was shown.

    Notes
    -----
    Departments are judged in parallel, each beside the forecast with events that it was shown (in a
    replayed cycle whose events are hindsight, without them: nobody knew them); the plan step by
    step, the tool before beside the statistical forecast; each beside the same month last year too.
    Bounds are percentiles of a circular
    block bootstrap over the months judged (Politis & Romano 1992), widened by the quantile of
    Student's t over the normal's, since few blocks show too little scatter. A verdict needs six
    months, and an interval of 95 % beyond what makes no difference: a twentieth of the error before
    (a hundredth of what came, for a habit). A step that moved no number has changed nothing.
    """
    past = _with_shown(past)
    if not each_lag:
        own = past.rows["lag"] == past.rows["decision_lag"]
        past = past.where(own | _is_near(past.rows["lag"]))
    marked, names = _by_family(past, level)
    decided = marked.where(marked.rows["lag"] == marked.rows["decision_lag"])
    whole, late = (lags.grouped(part, "_member") for part in (marked, decided))
    rows = []
    for layer, beside in _pairs(past):
        pair = [beside, layer]
        both, at_decision = (
            [lags.added_up(own, groups, pair, is_money=flag) for flag in (False, True)]
            for own, groups in ((marked, whole), (decided, late))
        )
        slices = {NEAR: [part.where(_is_near(part.lag)) for part in both]}
        slices[lags.DECISION_LAG] = at_decision
        for lag in np.unique(both[0].lag) if each_lag else []:
            slices[int(lag)] = [part.where(part.lag == lag) for part in both]
        for lag, (sums, money) in slices.items():
            made = _judged(sums, money, names, draws, seed)
            rows.append(made.assign(layer=layer, beside=beside, lag=lag))
    columns = ["member", "layer", "beside", "lag", *_MEASURES]
    if not rows:
        rows = [pd.DataFrame(columns=columns)]
    table = pd.concat(rows, ignore_index=True).reindex(columns=columns)
    texts = dict.fromkeys(["member", "layer", "beside", "verdict", "habit"], "str")
    table = table.astype(texts | {"lag": "int64"}).assign(level=level)
    is_own = table["layer"].isin(past.layers("department")) & (table["beside"] == SHOWN)
    return table[["level", *columns]].assign(is_department=is_own)


_MEASURES = (
    "gain_rate gain_lower gain_upper wape before_wape gain_value verdict bias_rate bias_lower "
    "bias_upper habit months cycles"
).split()


def _with_shown(past: lags.Past) -> lags.Past:
    """The past with what departments were shown, among what was said."""
    statistical = past.said[lags.STATISTICAL]
    events = past.said.get(lags.EVENTS, statistical)
    shown = np.where(np.isfinite(events), events, statistical)
    return replace(past, said=past.said | {SHOWN: shown})


def _is_near(lag: np.ndarray) -> np.ndarray:
    return (lag >= NEAR_LAGS[0]) & (lag <= NEAR_LAGS[1])


def _by_family(past: lags.Past, level: str) -> tuple[lags.Past, np.ndarray]:
    """Rows marked with member and family in one number, and the members' names."""
    rows = past.rows
    name = rows[level] if level != "total" else pd.Series(schema.COMPANY_LABEL, index=rows.index)
    member, names = pd.factorize(name, sort=True)
    family = pd.factorize(rows["family"])[0]
    marked = rows.assign(_member=member * _FAMILIES + family)
    return lags.Past(marked, past.said, past.kinds), np.asarray(names, dtype=object)


def _pairs(past: lags.Past) -> list[tuple[str, str]]:
    """Layers with what each started from, and with the same month last year."""
    departments, imported = past.layers("department"), past.layers("imported")
    chain = [name for name in lags.PLAN_LAYERS if name in past.said]
    steps = [(b, a) for a, b in zip(chain, chain[1:], strict=False)]
    steps += [(name, SHOWN) for name in departments]
    steps += [(name, lags.STATISTICAL) for name in imported]
    steps += [(lags.CONSENSUS, lags.STATISTICAL)] if lags.CONSENSUS in chain else []
    naive = [(name, lags.NAIVE) for name in [*chain[2:], *departments, *imported]]
    return list(dict.fromkeys(steps + naive))


def _judged(
    sums: lags.Sums, money: lags.Sums, names: np.ndarray, draws: int, seed: int
) -> pd.DataFrame:
    """One row a member: what it gained, with an interval, and its habit."""
    if not len(sums.member):
        return pd.DataFrame(columns=["member", *_MEASURES])
    told, number = np.unique(_members(sums), return_inverse=True)
    names = names[told]
    distinct, place = np.unique(sums.month, return_inverse=True)
    shape = len(distinct), len(names)

    def total(values: np.ndarray) -> np.ndarray:
        """Sums by month and member."""
        return np.bincount(place * shape[1] + number, values, np.prod(shape)).reshape(shape)

    error = sums.said - sums.actual
    before, after = (total(np.abs(own)) for own in error)
    bias, size = total(error[1]), total(np.abs(sums.actual))
    count = (total(np.ones(len(number))) > 0).sum(axis=0)
    gain_bounds, bias_bounds = _intervals([before - after, bias], size, count, draws, seed)
    whole = np.where(size.sum(axis=0) > 0, size.sum(axis=0), np.nan)
    alike, is_told = _ALIKE * before.sum(axis=0) / whole, count >= FEWEST_MONTHS
    habit = _words(bias_bounds, np.full(len(names), _LEAST_BIAS), count, HIGH, LOW, EVEN)
    is_moved = total(np.abs(error[1] - error[0])).any(axis=0)
    pairs = np.unique(np.stack([number, sums.cycle]), axis=1)[0]
    return pd.DataFrame(
        {
            "member": names,
            "gain_rate": (before - after).sum(axis=0) / whole,
            "gain_lower": gain_bounds[0],
            "gain_upper": gain_bounds[1],
            "wape": after.sum(axis=0) / whole,
            "before_wape": before.sum(axis=0) / whole,
            "gain_value": _gains_in_money(money).reindex(told).to_numpy(),
            "verdict": np.where(
                is_moved, _words(gain_bounds, alike, count, HELPS, HARMS, ALIKE), NOTHING
            ),
            "bias_rate": bias.sum(axis=0) / whole,
            "bias_lower": bias_bounds[0],
            "bias_upper": bias_bounds[1],
            "habit": np.where(is_told & (habit == EARLY), EVEN, habit),
            "months": count,
            "cycles": np.bincount(pairs, minlength=len(names)),
        }
    )


def _words(
    bounds: tuple, least: np.ndarray, count: np.ndarray, above: str, below: str, none: str
) -> np.ndarray:
    """Whether an interval lies beyond what makes no difference, on either side."""
    low, high = bounds
    is_known = (count >= FEWEST_MONTHS) & np.isfinite(low) & np.isfinite(high)
    is_even = (low > -least) & (high < least)
    return np.select(
        [~is_known, low > least, high < -least, is_even], [EARLY, above, below, none], EARLY
    )


def _gains_in_money(money: lags.Sums) -> pd.Series:
    """Error in money removed a cycle and month, by member."""
    error = np.abs(money.said - money.actual)
    members, number = np.unique(_members(money), return_inverse=True)
    told = np.unique(np.stack([number, money.cycle, money.month]), axis=1)[0]
    gain = np.bincount(number, error[0] - error[1], len(members))
    return pd.Series(gain / np.bincount(told, minlength=len(members)), index=members)


def _members(sums: lags.Sums) -> np.ndarray:
    """Place of each sum's member among the names."""
    return sums.members[sums.member] // _FAMILIES


def _intervals(
    parts: list[np.ndarray], size: np.ndarray, count: np.ndarray, draws: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Bounds of each part's sum over that of size, months drawn in blocks.

    Arrays are (n_months, n_members); ``count`` (n_members,) says how many months were judged.
    """
    many = len(size)
    drawn = _drawn(many, draws, seed)
    whole = drawn @ size
    whole, edge = np.where(whole > 0, whole, np.nan), (1.0 - LEVEL) / 2.0
    freedom = np.maximum(count / _block(many) - 1.0, 1.0)
    wider = stdtrit(freedom, 1.0 - edge) / stdtrit(1e9, 1.0 - edge)
    made = []
    for part in parts:
        with np.errstate(invalid="ignore", divide="ignore"):
            centre = part.sum(axis=0) / size.sum(axis=0)
        rates = drawn @ part / whole
        is_known = np.isfinite(rates).any(axis=0) & (count > 1)
        bounds = np.full((2, len(centre)), np.nan)
        if is_known.any():
            bounds[:, is_known] = np.nanquantile(rates[:, is_known], [edge, 1.0 - edge], axis=0)
        made.append(tuple(centre + wider * (bounds - centre)))
    return made


def _block(count: int) -> int:
    return min(BLOCK, max(count // 3, 1))


@lru_cache(maxsize=64)
def _drawn(count: int, draws: int, seed: int) -> np.ndarray:
    """How often each month is in each draw (draws, count): blocks of neighbours, round the end."""
    block = _block(count)
    starts = np.random.default_rng(seed).integers(0, count, (draws, -(-count // block)))
    chosen = (starts[:, :, None] + np.arange(block)) % count
    chosen = chosen.reshape(draws, -1)[:, :count]
    code = (np.arange(draws)[:, None] * count + chosen).ravel()
    return np.bincount(code, minlength=draws * count).reshape(draws, count).astype("float64")


def harmful(table: pd.DataFrame) -> set[str]:
    """Departments that have made past plans worse, one to three months ahead, beyond chance."""
    own = table[(table["level"] == "total") & (table["lag"] == NEAR)]
    return set(own.loc[own["is_department"] & (own["verdict"] == HARMS), "layer"])


def touches(changes: pd.DataFrame, past: lags.Past) -> pd.DataFrame:
    """Table ``touches``: each override of a past cycle beside what came at its level and month.

    Parameters
    ----------
    changes : DataFrame
        The ledger of `override_changes` in the planning unit: ``cycle``, ``author``, ``subject``,
        series, ``month``, ``before`` and ``change``.
    past : Past
        From ``lags.past_plans``: what came, and prices.

    Returns
    -------
    DataFrame
        Key ``cycle, author, subject, month``: ``lag``, ``before``, ``change``, ``actual``,
        ``gain`` (error before − error after), ``gain_value`` at today's prices, ``is_helpful``.
    """
    came = past.rows[[*schema.SERIES_MONTH, "cycle", "actual", "unit_price_value"]]
    # inner: a touch of a month that has not closed cannot be judged
    both = changes.merge(came, on=[*schema.SERIES_MONTH, "cycle"], how="inner", validate="m:1")
    both = both.assign(money=both["actual"] * both["unit_price_value"])
    key = ["cycle", "author", "subject", "month"]
    sums = both.groupby(key, as_index=False)[["before", "change", "actual", "money"]].sum()
    gain = (sums["before"] - sums["actual"]).abs()
    gain = gain - (sums["before"] + sums["change"] - sums["actual"]).abs()
    price = sums["money"] / sums["actual"].where(sums["actual"] > 0)
    lag = (months.number(sums["month"]) - months.number(sums["cycle"])).astype("int64")
    table = sums.assign(lag=lag, gain=gain, gain_value=gain * price, is_helpful=gain > 0)
    return table[[*key, "lag", "before", "change", "actual", "gain", "gain_value", "is_helpful"]]


def authors(touched: pd.DataFrame) -> pd.DataFrame:
    """Table ``author_skill``: what each author's touches were worth, and how far to trust the next.

    Parameters
    ----------
    touched : DataFrame
        From ``touches``.

    Returns
    -------
    DataFrame
        Key ``author, direction`` (up, down, both): ``touches``, ``helped_rate``, ``gain``,
        ``lost_value`` (money of harmful touches, not negative), ``keep_rate``: the share of the
        next change that the past speaks for.

    Notes
    -----
    ``keep_rate`` is the share of past changes that would have come closest, by least squares over
    touches of equal weight, drawn to 1 as with six touches that were right, and held between 0 and
    1. A touch that lives through several cycles is judged in the last of them.

    Examples
    --------
    >>> rows = pd.DataFrame({"cycle": pd.to_datetime(["2025-01-01"]), "author": "A",
    ...     "subject": "family Tents", "month": pd.to_datetime(["2025-03-01"]), "before": [100.0],
    ...     "change": [20.0], "actual": [100.0], "gain": [-20.0], "gain_value": [-200.0],
    ...     "is_helpful": [False], "lag": [2]})
    >>> authors(rows)[["direction", "lost_value", "keep_rate"]].round(2).values.tolist()
    [['both', 200.0, 0.86], ['up', 200.0, 0.86]]
    """
    last = touched.sort_values("cycle").drop_duplicates(["author", "subject", "month"], keep="last")
    last = last[last["change"].abs() > 1e-9]
    way = np.where(last["change"] > 0, "up", "down")
    both = pd.concat([last.assign(direction="both"), last.assign(direction=way)])
    wanted = (both["actual"] - both["before"]) / both["change"]
    both = both.assign(
        wanted=wanted.clip(-1.0, 2.0), lost_value=(-both["gain_value"]).clip(lower=0.0)
    )
    by = both.groupby(["author", "direction"])
    table = by.agg(
        touches=("gain", "size"),
        helped_rate=("is_helpful", "mean"),
        gain=("gain", "sum"),
        lost_value=("lost_value", "sum"),
        wanted=("wanted", "mean"),
    ).reset_index()
    count = table["touches"]
    keep = (count * table["wanted"] + _PRIOR_TOUCHES) / (count + _PRIOR_TOUCHES)
    return table.assign(keep_rate=keep.clip(0.0, 1.0)).drop(columns="wanted")
