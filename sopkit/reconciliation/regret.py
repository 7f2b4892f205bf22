"""Choices against what may happen: regret, and the choice that is least regretted."""

from __future__ import annotations

import pandas as pd

from sopkit.reconciliation.scenarios import PLANNED, Scenario, stack

MOST_CHOICES = MOST_OUTSIDE = 5  # combined; beside them stands the plan itself


def contribution(own: dict[str, pd.DataFrame]) -> pd.Series:
    """Contribution of each scenario, by name, from its ``kpis``."""
    found = {
        name: table.set_index("kpi").loc["contribution_value", "amount"]
        for name, table in own.items()
    }
    return pd.Series(found, dtype="float64")


def pairs(
    scenarios: dict[str, Scenario], contribution: pd.Series
) -> tuple[list[str], list[str], list[str]]:
    """Choices and outside scenarios that are combined, the plan itself among both; and who is not.

    Parameters
    ----------
    scenarios : dict of Scenario
        From ``scenarios.read_all``.
    contribution : Series
        Contribution of each scenario by itself, and of ``PLANNED``, by name.

    Returns
    -------
    choices, outside, left_out : list of str
        A scenario that stands on one of the other kind is not combined. Of choices beyond
        ``MOST_CHOICES`` the best count, of outside ones beyond ``MOST_OUTSIDE`` those that move
        contribution most.
    """
    known = {
        name: own for name, own in scenarios.items() if contribution[name] == contribution[name]
    }
    pure = {
        kind: [
            name
            for name, own in known.items()
            if own.kind == kind and {part.kind for part in stack(scenarios, name)} == {kind}
        ]
        for kind in ("choice", "outside")
    }
    choices = sorted(pure["choice"], key=lambda name: -contribution[name])[:MOST_CHOICES]
    move = (contribution - contribution[PLANNED]).abs()
    outside = sorted(pure["outside"], key=lambda name: -move[name])[:MOST_OUTSIDE]
    kept = [[name for name in known if name in some] for some in (choices, outside)]
    left_out = [name for name in scenarios if name not in (*choices, *outside)]
    return [PLANNED, *kept[0]], [PLANNED, *kept[1]], left_out


def regret(contribution: pd.DataFrame, scenarios: dict[str, Scenario]) -> pd.DataFrame:
    """Table `scenario_regret`: what each choice falls short of the best one, in each outside state.

    Parameters
    ----------
    contribution : DataFrame
        ``choice, outside, contribution_value``; missing where no plan keeps all rules.
    scenarios : dict of Scenario
        Their chances count where every outside one has one: the plan itself has what is left to 1.
        Else all states weigh alike.

    Returns
    -------
    DataFrame
        Key ``choice, outside``: ``contribution_value``, ``regret_value`` (best choice there less
        this one), ``weight_rate`` of the outside state.

    Examples
    --------
    >>> rows = [("as planned", "wet", 1.0), ("early", "wet", 4.0)]
    >>> table = pd.DataFrame(rows, columns=["choice", "outside", "contribution_value"])
    >>> regret(table, {})["regret_value"].tolist()
    [3.0, 0.0]
    """
    best = contribution.groupby("outside")["contribution_value"].transform("max")
    states = list(dict.fromkeys(contribution["outside"]))
    chance = {name: scenarios[name].probability_rate for name in states if name in scenarios}
    if chance and all(rate == rate for rate in chance.values()):
        weights = chance | {PLANNED: max(1.0 - sum(chance.values()), 0.0)}
    else:
        weights = dict.fromkeys(states, 1.0 / max(len(states), 1))
    return contribution.assign(
        regret_value=best - contribution["contribution_value"],
        weight_rate=contribution["outside"].map(weights),
    )


def robust(table: pd.DataFrame) -> pd.DataFrame:
    """Each choice's worst regret and weighted mean contribution; the least regretted first.

    Parameters
    ----------
    table : DataFrame
        From ``regret``.

    Returns
    -------
    DataFrame
        ``choice, worst_regret_value, worst_outside, mean_contribution_value``. A choice that some
        state leaves without a plan is left out.
    """
    rows = []
    for choice, own in table.groupby("choice", sort=False):
        if own["regret_value"].notna().all():
            worst = own.loc[own["regret_value"].idxmax()]
            mean = float((own["contribution_value"] * own["weight_rate"]).sum())
            rows.append((choice, worst["regret_value"], worst["outside"], mean))
    columns = ["choice", "worst_regret_value", "worst_outside", "mean_contribution_value"]
    made = pd.DataFrame(rows, columns=columns)
    return made.sort_values("worst_regret_value", kind="stable", ignore_index=True)
