"""Which model people chose for which series: rows of kind model in table `policies`.

A choice counts in its cycle and all later ones. Of several that cover a series the one of the
latest cycle counts, in it the one entered last, as with corrections of the history; of those
entered at the same time the narrower one. ``combined``, and ``is_accepted`` false,
take back whatever was chosen before for the series they cover.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from sopkit import methods, months, schema
from sopkit.demand import hierarchy, models
from sopkit.methods import COMBINED

PAYS, COSTS, NO_DIFFERENCE, UNMEASURED = "pays", "costs", "no difference", "nothing measured"
REPLACED, NOTHING, UNABLE = "replaced by a later one", "names nothing", "no sound forecast"
UNREAD = "not understood"
SURE = 0.1  # p value below which a difference is more than noise
LEAST_JUDGED = 8  # months below which no difference is told from noise
_DEPTH = pd.Series([3, 2, 1, 2, 1, 2, 1], schema.LEVELS)  # how narrow a level is
_ORDER = ["cycle", "entered_at", "depth", "model", "parameters", "author", "reason"]


def rows(policies: pd.DataFrame) -> pd.DataFrame:
    """Choices of models in the order in which they count, the last above all; others left out.

    Parameters
    ----------
    policies : DataFrame
        Raw table, as known in the cycle.

    Returns
    -------
    DataFrame
        Its columns, ``parameters`` never missing, ``is_back``: takes choices back, and
        ``objection``: why the row counts for nothing, empty where it does.
    """
    own = policies[policies["kind"] == "model"]
    own = own.assign(
        depth=own[schema.LEVELS].ne(schema.ALL).mul(_DEPTH).sum(axis=1),
        parameters=own["parameters"].fillna("").astype("str"),
        model=own["model"].fillna("").astype("str"),
        is_back=own["model"].eq(COMBINED) | own["is_accepted"].eq(False).fillna(False),
    )
    own = own.sort_values(_ORDER, ignore_index=True)
    pairs = zip(own["model"], own["parameters"], strict=True)
    said = [methods.objection(model, parameters) for model, parameters in pairs]
    return own.assign(objection=pd.Series(said, own.index, dtype="object"))


def in_force(chosen: pd.DataFrame, series: pd.DataFrame) -> np.ndarray:
    """Row of ``chosen`` that counts for each series (n_series,); −1: the combination.

    Parameters
    ----------
    chosen : DataFrame
        From ``rows``.
    series : DataFrame
        Series with all their levels.
    """
    place = np.full(len(series), -1)
    for number, row in enumerate(chosen.to_dict("records")):
        if not row["objection"]:
            place[hierarchy.covered(row, series)] = -1 if row["is_back"] else number
    return place


def table(
    policies: pd.DataFrame, series: pd.DataFrame, names: pd.Series, errors: pd.DataFrame
) -> pd.DataFrame:
    """Table ``model_choices``: what people chose, and whether it pays.

    Parameters
    ----------
    policies : DataFrame
        Raw table, as known in the cycle.
    series : DataFrame
        All series with all their levels.
    names : Series
        Model that people chose and that forecasts each of them, in their order; else empty.
    errors : DataFrame
        ``place, month, volume, error, combined_error, forecasts``, from ``chosen.applied``.

    Returns
    -------
    DataFrame
        A row a choice, but those that a later one of the very same levels replaced. ``wape`` and
        ``combined_wape`` are absolute errors of series over what came, both over the same months;
        ``gain_rate``, their difference, is positive where the choice is better; ``p_value`` its
        chance by noise alone.
    """
    chosen = rows(policies)
    place = in_force(chosen, series)
    is_read = chosen["objection"] == ""
    is_old = chosen[is_read].duplicated(schema.LEVELS, keep="last") | chosen["is_back"][is_read]
    is_shown = ~is_old.reindex(chosen.index, fill_value=False)
    counts = pd.Series(place[(names != "").to_numpy()]).value_counts()
    made = []
    for number, row in chosen[is_shown].iterrows():
        covered = hierarchy.covered(row.to_dict(), series)
        told = _measured(errors[errors["place"] == number])
        count = int(counts.get(number, 0))
        kept = int(((place == number) & (names == "").to_numpy()).sum())
        remark = f"{kept:,} series keep the combination: see `fallbacks`" if kept else ""
        verdict = _verdict(row["objection"], covered, place == number, count, told)
        made.append(
            {name: row[name] for name in (*schema.LEVELS, "model", "parameters")}
            | {"subject": subject(row), "words": in_words(row["model"], row["parameters"])}
            | {name: row[name] for name in ("cycle", "author", "reason")}
            | {"series": count, "verdict": verdict, "remark": row["objection"] or remark}
            | told
        )
    columns = list(schema.PROCESSED["model_choices"].columns)
    kinds = dict.fromkeys(["wape", "combined_wape", "gain_rate", "p_value"], "float64")
    kinds |= {"series": "int64", "months": "int64", "cycle": months.DTYPE}
    found = pd.DataFrame(made, columns=columns).astype(kinds)
    return found.astype({name: "str" for name in columns if name not in kinds})


def subject(row: dict) -> str:
    """``family Tents, location South``; all series where nothing is named."""
    named = [f"{level} {row[level]}" for level in schema.LEVELS if row[level] != schema.ALL]
    return ", ".join(named) or "all series"


def in_words(model: str, parameters: str) -> str:
    """``Theta, alpha 0.2``."""
    held = methods.words(parameters)
    return models.words(model) + ("" if held == "estimated" else f", {held}")


def _measured(errors: pd.DataFrame) -> dict:
    """Errors of a choice and of the combination over the same months."""
    volume = errors["volume"].sum()
    if not volume > 0:
        return dict.fromkeys(["wape", "combined_wape", "gain_rate", "p_value"], np.nan) | {
            "months": 0
        }
    own, other = errors["error"].sum() / volume, errors["combined_error"].sum() / volume
    more = (errors["error"] - errors["combined_error"]) / errors["forecasts"]
    told = {"wape": own, "combined_wape": other, "gain_rate": other - own}
    return told | {"p_value": p_value(more), "months": errors["month"].nunique()}


def p_value(more: pd.Series) -> float:
    """Chance by noise alone of a mean difference of errors, by month; missing where they are few.

    See ``workshop.p_value``.
    """
    from sopkit.demand import workshop  # here: `status` must not wait for statsmodels

    return workshop.p_value(more)


def _verdict(
    objection: str, covered: np.ndarray, is_own: np.ndarray, count: int, told: dict
) -> str:
    """What became of a choice, in a word or two."""
    for is_so, word in (
        (bool(objection), UNREAD),
        (not covered.any(), NOTHING),
        (not is_own.any(), REPLACED),
        (not count, UNABLE),
        (not told["months"] or told["months"] < LEAST_JUDGED, UNMEASURED),
        (not told["p_value"] < SURE, NO_DIFFERENCE),
    ):
        if is_so:
            return word
    return PAYS if told["gain_rate"] > 0 else COSTS
