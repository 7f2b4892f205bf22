"""One number of all views: statistical + departments = consensus, exactly."""

from __future__ import annotations

import pandas as pd

from sopkit import schema


def demand_plan(forecast: pd.DataFrame, views: pd.DataFrame, skill: pd.DataFrame) -> pd.DataFrame:
    """Table ``demand_plan`` (house §3).

    Parameters
    ----------
    forecast : DataFrame
        Table `forecast`.
    views : DataFrame
        Table `views`.
    skill : DataFrame
        Table `view_skill`: the weight each department's past has earned.

    Returns
    -------
    DataFrame
        Key ``item, location, channel, month``; units; ``departments`` is the change the views
        make. A department without a number for a key changes nothing there.

    Examples
    --------
    >>> key = {"item": ["A"], "location": ["all"], "channel": ["all"], "month": ["2026-01"]}
    >>> forecast = pd.DataFrame({**key, "quantity": [100.0]})
    >>> views = pd.DataFrame({"department": ["sales"], **key, "quantity": [120.0]})
    >>> skill = pd.DataFrame({"department": ["sales"], "weight_share": [0.25]})
    >>> demand_plan(forecast, views, skill)["consensus"].tolist()
    [105.0]
    """
    base = forecast[[*schema.SERIES_MONTH, "quantity"]].rename(columns={"quantity": "statistical"})
    weight = skill.set_index("department")["weight_share"]
    known = views.assign(weight=views["department"].map(weight).fillna(0.0))
    # inner: a view outside the plan's keys was already reported as unplaced
    beside = known.merge(base, on=schema.SERIES_MONTH, how="inner", validate="many_to_one")
    beside = beside.assign(change=beside["weight"] * (beside["quantity"] - beside["statistical"]))
    change = beside.groupby(schema.SERIES_MONTH, as_index=False)["change"].sum()
    plan = base.merge(change, on=schema.SERIES_MONTH, how="left", validate="one_to_one")
    plan = plan.assign(departments=plan["change"].fillna(0.0)).drop(columns="change")
    return plan.assign(consensus=plan["statistical"] + plan["departments"])
