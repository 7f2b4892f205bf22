"""Each truth can be seen in the tables, and the clean company shows none of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sopkit import sample

SERIES = ["item", "location", "channel"]
KEY = [*SERIES, "month"]
BEFORE = pd.Timestamp("2025-12-01")
CLOSED = pd.Timestamp("2026-01-01")


@pytest.fixture(scope="module", params=[0, 1], ids=["seed 0", "seed 1"])
def seed(request) -> int:
    return request.param


@pytest.fixture(scope="module")
def every(now, clean, before):
    return {"now": now, "clean": clean, "before": before}


@pytest.fixture(scope="module")
def now(seed):
    return sample.tables(seed)


@pytest.fixture(scope="module")
def clean(seed):
    return sample.tables(seed, is_clean=True)


@pytest.fixture(scope="module")
def before(seed):
    return sample.tables(seed, cycle=BEFORE)


@pytest.fixture(scope="module")
def truth(seed):
    return sample.truths(seed)


def _month(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"{text}-01")


def _with_family(table: pd.DataFrame, tables: dict) -> pd.DataFrame:
    """The table with the family and the planning factor of its items."""
    own = tables["items"][["item", "family", "planning_factor"]]
    return table.merge(own, on="item", how="left", validate="many_to_one")


def _euro(tables: dict) -> pd.DataFrame:
    """Sales with ``euro``: revenue at the actual rate of the month, by the tables alone."""
    money = tables["locations"].set_index("location")["currency"]
    sales = tables["sales"].assign(currency=tables["sales"]["location"].map(money))
    actual = tables["rates"].query("kind == 'actual'")[["currency", "month", "rate"]]
    sales = sales.merge(actual, on=["currency", "month"], how="left", validate="many_to_one")
    return sales.assign(euro=sales["revenue_value"] * sales["rate"].fillna(1.0))


# Sales


def test_lost_units_stand_in_the_months_flagged_and_a_part_was_ordered(now, truth):
    lost = truth["lost_units"].merge(now["sales"], on=KEY, how="left", validate="one_to_one")
    assert lost["is_stockout"].all()
    flagged = now["sales"].query("is_stockout")
    assert len(lost) >= 0.9 * len(flagged)
    beyond = lost["ordered_quantity"] - lost["quantity_y"]
    assert ((beyond - 0.4 * lost["quantity_x"]).abs() <= 0.5).all()
    share = lost["quantity_y"].sum() / (lost["quantity_x"] + lost["quantity_y"]).sum()
    assert 0.1 < share < 0.25
    wanted = lost["quantity_x"] + lost["quantity_y"]  # what would have been sold was expected
    expected = truth["expected"].merge(lost[KEY], on=KEY, how="inner")["quantity"].sum()
    assert 0.75 < wanted.sum() / expected < 1.33


def test_returns_are_the_negative_rows(now, clean, truth):
    negative = now["sales"].query("quantity < 0").set_index(KEY)["quantity"].sort_index()
    returned = truth["returns"].set_index(KEY)["quantity"].sort_index()
    pd.testing.assert_series_equal(negative, -returned)
    assert len(returned) == 10
    assert (clean["sales"]["quantity"] > 0).all()
    assert not clean["sales"]["is_stockout"].any()


def test_bulk_orders_are_what_the_clean_company_lacks(now, clean, truth):
    bulk = truth["bulk_orders"].set_index(KEY)["quantity"]
    both = now["sales"].set_index(KEY)["quantity"].rename("now").to_frame()
    both = both.join(clean["sales"].set_index(KEY)["quantity"]).loc[bulk.index]
    assert len(bulk) == 10
    plain = ~now["sales"].set_index(KEY).loc[bulk.index, "is_stockout"]
    assert (both["now"] > 4 * both["quantity"])[plain].all()


def test_sales_follow_expected_demand(now, truth):
    sold = now["sales"].groupby("month")["quantity"].sum()
    expected = truth["expected"].groupby("month")["quantity"].sum().reindex(sold.index)
    assert (sold / expected).between(0.9, 1.1).all()


def test_shipped_never_exceeds_ordered_where_stock_is_held(now):
    held = now["items"].query("not is_service and not is_made_to_order")["item"]
    sales = now["sales"][now["sales"]["item"].isin(held) & (now["sales"]["quantity"] > 0)]
    plain = sales[~((sales["item"] == "BP-247") & (sales["month"] == _month("2025-10")))]
    assert (plain["ordered_quantity"] >= plain["quantity"]).all()
    usual = plain[~plain["is_stockout"]]
    assert (usual["ordered_quantity"] == usual["quantity"]).all()
    share = usual["on_time_quantity"].sum() / usual["quantity"].sum()
    worse = plain[plain["is_stockout"]]
    assert 0.945 < share < 0.965
    assert worse["on_time_quantity"].sum() / worse["quantity"].sum() < 0.85
    assert (plain["on_time_quantity"] <= plain["quantity"]).all()


def test_unknown_items_touch_little_money(now, clean, truth):
    sales = _euro(now)[lambda t: t["month"] >= _month("2025-01")]
    unknown = ~sales["item"].isin(now["items"]["item"])
    assert set(sales.loc[unknown, "item"]) == set(truth["unknown_items"])
    assert 0 < sales.loc[unknown, "euro"].sum() / sales["euro"].sum() < 0.005
    assert set(clean["sales"]["item"]) <= set(clean["items"]["item"])


def test_spare_parts_are_bought_in_few_months(now):
    sales = _with_family(now["sales"], now).query("family == 'Spare parts' and quantity > 0")
    share = sales.groupby(SERIES)["month"].nunique() / 60
    assert len(share) == 80
    assert (1 - share).between(0.70, 0.85).all()


# Events


def test_promotions_lift_sales_by_their_true_rate(now, truth):
    events = truth["events"].query("kind == 'promotion' and last_month < @CLOSED")
    assert len(events) >= 6
    assert set(events["event"]) <= set(now["events"]["event"])
    base = truth["expected"].merge(now["sales"], on=KEY, how="inner", suffixes=("_mean", ""))
    base = _with_family(base, now).query("not is_stockout")
    for event in events.itertuples():
        rows = (base["month"] >= event.first_month) & (base["month"] <= event.last_month)
        for level in ("family", "location", "channel"):
            member = getattr(event, level)
            rows &= (base[level] == member) if isinstance(member, str) else True
        assert base.loc[rows, "is_promotion"].all(), event.event
        ratio = base.loc[rows, "quantity"].sum() / base.loc[rows, "quantity_mean"].sum()
        assert ratio * (1 + event.true_rate) > 1 + event.true_rate / 3, event.event
    mean = now["events"].set_index("event").loc[events["event"], "expected_rate"].to_numpy()
    assert (np.abs(mean - events["true_rate"]) > 0.015).sum() >= 5


def test_newcomer_costs_lighting_its_true_rate(now, clean, truth):
    event = truth["events"].query("kind == 'competitor'").iloc[0]
    long_sold = now["items"].query("end_month.isna() and launch_month < '2023-01-01'")
    lamps = long_sold.loc[long_sold["family"] == event["family"], "item"]
    bulk = truth["bulk_orders"].set_index(KEY)["quantity"]
    sold = now["sales"].set_index(KEY)["quantity"].sub(bulk, fill_value=0).reset_index()
    sold = sold[sold["item"].isin(lamps)].groupby("month")["quantity"].sum()
    ratio = sold[_month("2025-04") :].sum() / sold[_month("2024-04") : _month("2024-12")].sum()
    # three percent a year of its own, and the newcomer
    assert abs(ratio - 0.97 * (1 + event["true_rate"])) < 0.06
    assert now["events"].set_index("event")["expected_rate"][event["event"]] > event["true_rate"]
    right = clean["events"].set_index("event")["expected_rate"]
    assert right[event["event"]] == event["true_rate"]
    # the assumption that says it costs less is broken from its first month on
    broken = truth["broken_assumption"]
    stated = now["assumptions"].set_index("assumption").loc[broken["assumption"]]
    assert broken["first_month"] == event["first_month"] and isinstance(stated["test"], str)
    assert broken["assumption"] not in set(clean["assumptions"]["assumption"])


def test_index_leads_tents_and_the_weather_leads_nothing(now, truth):
    lead = truth["market_lead"]
    series = now["market"].pivot(index="month", columns="series", values="value")
    items = now["items"].query("end_month.isna() and launch_month < '2021-01-01'")
    led = items.loc[items["family"] == lead["family"], "item"]

    def slope(table: pd.DataFrame, name: str) -> float:
        """Change on last year of demand for each of the series, three months before."""
        # dealers outside the North had no promotion of tents
        is_calm = (table["channel"] == "Wholesale") & (table["location"] != "North")
        dealers = table[table["item"].isin(led) & is_calm]
        change = np.log(dealers.groupby("month")["quantity"].sum()).diff(12)
        moved = np.log(series[name] - min(0, series[name].min() - 1)).diff(12)
        both = pd.concat([change, moved.shift(lead["months"])], axis=1).dropna()
        return float(np.polyfit(both.iloc[:, 1], both.iloc[:, 0], 1)[0])

    assert abs(slope(truth["expected"], lead["series"]) - lead["elasticity"]) < 0.06
    assert abs(slope(truth["expected"], truth["market_without_effect"])) < 0.05
    plain = now["sales"].set_index(KEY)["quantity"]
    plain = plain.sub(truth["bulk_orders"].set_index(KEY)["quantity"], fill_value=0)
    plain = plain.add(truth["lost_units"].set_index(KEY)["quantity"], fill_value=0)
    assert 0.1 < slope(plain.reset_index(), lead["series"]) < 1.1


# People


def _compared(tables: dict, truth: dict, department: str) -> pd.DataFrame:
    """A department's past submissions beside expected demand, in planning units."""
    mean = truth["expected"].merge(now_items(tables), on="item", how="left")
    mean["expected"] = mean["quantity"] * mean["planning_factor"]
    said = tables["submissions"].query("department == @department and cycle < @CLOSED")
    levels = ["family", "month"] + (["location"] if said["location"].notna().all() else [])
    mean = mean.groupby(levels, as_index=False)["expected"].sum()
    return said.merge(mean, on=levels, how="left").query("expected > 50")


def now_items(tables: dict) -> pd.DataFrame:
    """Items with the family they stood in when past submissions were made."""
    items = tables["items"][["item", "family", "planning_factor"]]
    return items.assign(family=items["family"].where(items["item"] != "LI-471", "Lighting"))


def test_sales_is_too_high_by_its_rate(now, truth):
    rate = truth["departments"].set_index("department").loc["sales"]
    both = _compared(now, truth, "sales")
    error = np.log(both["quantity"] / both["expected"])
    assert abs(error.mean() - np.log(rate["bias_rate"])) < 0.005
    assert abs(error.std() - rate["noise"]) < 0.01


def test_marketing_is_right_in_promoted_months_only(now, truth):
    rate = truth["departments"].set_index("department").loc["marketing"]
    both = _compared(now, truth, "marketing")
    error = np.log(both["quantity"] / both["expected"])
    november = both["month"].dt.month.eq(11) & ~both["family"].isin(
        ["Repair service", "Expedition shelters"]
    )
    assert abs(error[november].std() - rate["promotion_noise"]) < 0.01
    quiet = ~both["month"].dt.month.isin([1, 3, 5, 7, 9, 11])
    assert abs(error[quiet].std() - rate["noise"]) < 0.02


def test_finance_repeats_the_budget(now):
    finance = now["submissions"].query("department == 'finance'")
    budget = now["budget"]
    for by in ("month", "quarter"):
        both = finance.dropna(subset=by).merge(budget, on=["family", by], how="inner")
        assert len(both) > 20
        assert (both["revenue_value_x"] == both["revenue_value_y"]).all()


def test_spare_parts_are_budgeted_by_quarter_in_money(now):
    spare = now["budget"].query("family == 'Spare parts'")
    assert spare["month"].isna().all() and spare["quantity"].isna().all()
    assert spare["quarter"].notna().all() and (spare["revenue_value"] > 0).all()
    assert now["budget"].query("family != 'Spare parts'")["quarter"].isna().all()


def test_one_department_did_not_submit_in_one_cycle(now, clean, truth):
    def cycles(tables):
        return tables["submissions"].groupby("department")["cycle"].agg(lambda c: set(c))

    silent = truth["missing_submission"]
    every = set(pd.date_range("2024-01-01", "2026-01-01", freq="MS"))
    assert every - cycles(now)[silent["department"]] == {silent["cycle"]}
    assert all(every == own for own in cycles(clean))


def test_clean_departments_submit_expected_demand(clean):
    wide = clean["submissions"].query("quantity.notna()")
    wide = wide.groupby(["department", "cycle", "family", "month"])["quantity"].sum()
    wide = wide.unstack("department")
    assert ((wide["sales"] - wide["marketing"]).abs() <= 0.3).all()
    budget = clean["budget"].dropna(subset="quantity").set_index(["family", "month"])["quantity"]
    said = wide["marketing"].reset_index().set_index(["family", "month"])["marketing"]
    assert ((said - budget.reindex(said.index)).dropna().abs() <= 0.6).all()


def test_overrides_hold_each_kind_and_one_lock(now):
    overrides = now["overrides"]
    assert set(overrides["kind"]) == {"set", "add", "scale"}
    assert overrides["is_locked"].sum() == 1
    assert set(overrides["cycle"]) == {BEFORE, CLOSED}
    amounts = overrides.set_index("kind")
    assert amounts.loc[["set", "add"], "quantity"].ne(0).all()
    assert (
        amounts.loc["scale", "quantity"].isna().all() and (amounts.loc["scale", "rate"] > 0).all()
    )


def test_actions_moved_their_kpis_by_the_true_amount(now, truth):
    effect = truth["action_effects"].set_index("action")
    sales = _with_family(now["sales"], now).query("family == 'Sleeping bags' and quantity > 0")
    sales = sales.query("not is_stockout").assign(is_after=sales["month"] >= _month("2025-11"))
    sums = sales.groupby("is_after")[["on_time_quantity", "quantity"]].sum()
    share = sums["on_time_quantity"] / sums["quantity"]
    assert abs(share[True] - share[False] - effect.loc["T6", "true_amount"]) < 0.006
    # poles: months of expected demand in stock, beside the same months of last year
    mean = truth["expected"].groupby(["item", "month"])["quantity"].sum()
    stock = now["inventory"].groupby(["item", "month"])["on_hand"].sum().reset_index()
    poles = now["items"].query("family == 'Trekking poles' and launch_month < '2024-01-01'")["item"]
    stock = stock[stock["item"].isin(poles)]
    stock["next"] = [
        mean.get((i, m + pd.DateOffset(months=1)))
        for i, m in zip(stock["item"], stock["month"], strict=True)
    ]
    sums = stock.groupby("month")[["on_hand", "next"]].sum()
    cover = sums["on_hand"] / sums["next"]
    moved = cover["2025-11":"2025-12"].mean() - cover["2024-11":"2024-12"].mean()
    assert abs(moved - effect.loc["T2", "true_amount"]) < 0.16
    assert effect.loc["T2", "effect_amount"] < effect.loc["T2", "true_amount"] - 0.2


# Supply


@pytest.mark.parametrize("kind", ["now", "clean", "before"])
def test_opening_plus_made_less_sold_or_used_is_closing(kind, every):
    tables = every[kind]
    key = ["item", "month"]
    sold = tables["sales"].groupby(key)["quantity"].sum().rename("gone")
    made = tables["production"].groupby(key)["quantity"].sum()
    bill = tables["components"].merge(made.reset_index(), on="item", how="inner")
    used = (bill["quantity"] * bill["quantity_per"]).groupby([bill["component"], bill["month"]])
    used = used.sum().round().rename_axis(key).rename("gone")
    stock = tables["inventory"].groupby(key)["on_hand"].sum().to_frame()
    stock = stock.join(made).join(pd.concat([sold, used])).fillna({"gone": 0})
    opening = stock.groupby("item")["on_hand"].shift()
    off = opening + stock["quantity"] - stock["gone"] - stock["on_hand"]
    if kind == "now":  # goods of the credit notes came back in the month they are booked in
        assert opening.notna().sum() > 1_500
    assert (off[opening.notna()] == 0).all()
    assert (tables["inventory"][["on_hand", "backlog"]] >= 0).all(axis=None)
    assert (tables["production"]["quantity"] >= 0).all()


def test_stock_stands_at_the_plant_and_at_the_depot(now):
    places = now["locations"].set_index("location")["supplied_from"]
    assert places["depot"] == "plant" and pd.isna(places["plant"])
    assert set(places[["South", "West"]]) == {"depot"}
    assert set(now["inventory"]["location"]) == {"plant", "depot"}
    assert set(now["production"]["location"]) == {"plant"}
    due = now["scheduled_receipts"]
    assert set(due.loc[due["kind"] == "transfer", "location"]) == {"depot"}
    assert set(due["is_firm"]) == {True, False}


def _load(tables: dict, truth: dict) -> pd.DataFrame:
    """Hours of expected demand over regular hours, resource by month of 2026."""
    mean = truth["expected"].query("month >= '2026-01-01' and month < '2027-01-01'")
    work = mean.groupby(["item", "month"], as_index=False)["quantity"].sum()
    work = work.merge(tables["routings"], on="item", how="inner")
    hours = (work["quantity"] * work["hours_per_unit"]).groupby([work["resource"], work["month"]])
    regular = tables["capacity"].set_index(["resource", "month"])["regular_hours"]
    return (hours.sum() / regular).dropna().unstack()


def test_sewing_binds_before_the_peak_and_no_other_resource_of_the_plant(now, truth):
    load, binding = _load(now, truth), truth["binding_resource"]
    binds = load.loc[binding["resource"]] > 1
    assert binds.idxmax() == binding["first_month"]
    mean = truth["expected"].query("month >= '2026-01-01' and month < '2027-01-01'")
    tents = mean[mean["item"].isin(now["items"].query("family == 'Tents'")["item"])]
    assert binding["first_month"] < tents.groupby("month")["quantity"].sum().idxmax()
    assert load.drop([binding["resource"], "technicians"]).max(axis=None) < 1
    people = now["resources"]
    assert (people["workers"] * people["hours_per_worker"] == people["regular_hours"]).all()


def test_clean_resources_have_hours_enough(clean, truth):
    without = truth["expected"].copy()
    assert _load(clean, {"expected": without}).max(axis=None) < 1.05


def test_queue_of_repairs_builds_in_late_summer(now, clean, truth):
    stock = now["inventory"].set_index(["item", "month"])
    queue = truth["service_queue"].set_index(["item", "month"])["backlog"]
    service = now["items"].query("is_service")["item"]
    of_service = stock[stock.index.get_level_values("item").isin(service)]
    assert (of_service["on_hand"] == 0).all() and (of_service["backlog"] == queue).all()
    by_month = queue.groupby("month").sum()
    assert by_month[by_month > 0].index.month.isin([6, 7, 8, 9, 10, 11, 12]).all()
    assert by_month["2024"].max() > 200 and by_month["2025"].max() > 200
    sales = now["sales"][now["sales"]["item"].isin(service)]
    flow = sales.groupby("month")[["ordered_quantity", "quantity"]].sum()
    built = (flow["ordered_quantity"] - flow["quantity"]).cumsum()
    assert (built.loc[by_month.index] == by_month).all()
    assert clean["inventory"]["backlog"].sum() == 0


def test_made_to_order_is_few_large_orders_with_a_book(now):
    items = now["items"].query("is_made_to_order")["item"]
    sales = now["sales"][now["sales"]["item"].isin(items)]
    assert len(sales) / (16 * 60) < 0.35
    assert sales.loc[sales["quantity"] > 0, "quantity"].mean() > 3
    stock = now["inventory"][now["inventory"]["item"].isin(items)]
    assert (stock["on_hand"] == 0).all() and stock["backlog"].sum() > 0
    orders = now["orders"]
    assert set(orders["item"]) <= set(items) and set(orders["cycle"]) == {BEFORE, CLOSED}
    assert (orders["month"] >= orders["cycle"]).all()
    later = orders.query("cycle == @CLOSED").set_index(KEY)["quantity"]
    known = orders.query("cycle == @BEFORE and month >= @CLOSED").set_index(KEY)["quantity"]
    assert len(later) > 3 and (later.reindex(known.index) == known).all()


def test_budget_of_tents_is_above_what_can_be_made(now, clean, truth):
    fact = truth["budget_above_capacity"]
    budget = now["budget"].query("family == @fact['family'] and month.dt.year == 2026")
    assert budget["quantity"].sum() == fact["budget_units"]
    assert fact["amount"] > 0
    # by the tables: hours of sewing of the year, the other families' demand, hours a tent
    hours = now["capacity"].query("resource == 'sewing' and month.dt.year == 2026")
    hours = hours[["regular_hours", "overtime_hours"]].sum().sum()
    mean = truth["expected"].query("month.dt.year == 2026")
    mean = _with_family(mean, now).merge(
        now["routings"].query("resource == 'sewing'"), on="item", how="left"
    )
    work = mean["quantity"] * mean["hours_per_unit"].fillna(0)
    is_tent = mean["family"] == "Tents"
    a_tent = work[is_tent].sum() / mean.loc[is_tent, "quantity"].sum()
    stock = _with_family(now["inventory"], now).query("family == 'Tents' and month == @BEFORE")
    can = (hours - work[~is_tent].sum()) / a_tent + stock["on_hand"].sum()
    assert abs(can / fact["makeable_units"] - 1) < 0.02
    easy = clean["budget"].query("family == 'Tents' and month.dt.year == 2026")["quantity"].sum()
    assert easy < can


def test_one_promotion_has_no_supply(now, clean, truth):
    fact = truth["promotion_without_supply"]
    assert fact["extra_units"] > 10 * fact["free_units"]
    assert fact["event"] in set(now["events"]["event"])
    assert fact["event"] not in set(clean["events"]["event"])
    event = now["events"].set_index("event").loc[fact["event"]]
    mean = _with_family(truth["expected"], now).query("month == @fact['month']")
    mean = mean[(mean["family"] == event["family"]) & (mean["channel"] == event["channel"])]
    extra = mean["quantity"].sum() * (1 - 1 / (1 + event["expected_rate"]))
    assert abs(extra / fact["extra_units"] - 1) < 0.01
    load = _load(now, truth).loc["sewing"]
    assert load[fact["month"]] > 1.08  # beyond overtime too


def test_a_launch_comes_before_its_component(now, clean, truth):
    late = truth["late_component"]
    launch = now["items"].set_index("item").loc[late["item"], "launch_month"]
    bill = now["components"].query("item == @late['item']")["component"]
    assert late["component"] in set(bill)
    lead = now["suppliers"].query("item == @late['component']")["lead_time_days"]
    assert lead.tolist() == [120]
    for tables, is_late in ((now, True), (clean, False)):
        due = tables["scheduled_receipts"].query("item == @late['component']")
        assert (due["month"].min() > launch) == is_late
        stock = tables["inventory"].query("item == @late['component']")
        assert (stock["on_hand"] == 0).all()


def test_launches_have_prices_and_no_sales(now):
    launches = now["launches"]
    assert np.allclose(launches.groupby("item")["weight_share"].sum(), 1.0)
    new = now["items"].set_index("item").loc[launches["item"].unique()]
    assert len(new) == 3 and new["launch_month"].between("2026-03-01", "2026-09-01").all()
    assert not set(new.index) & set(now["sales"]["item"])
    assert set(new.index) <= set(now["prices"]["item"])
    replaced = launches["replaces_item"].dropna().unique()
    assert now["items"].set_index("item").loc[replaced, "end_month"].notna().all()


def test_purchasing_knows_limits_breaks_and_alternatives(now):
    suppliers = now["suppliers"]
    assert suppliers["monthly_limit"].notna().sum() == 1
    assert suppliers["break_quantity"].notna().sum() == 1
    assert (suppliers.groupby("item").size() > 1).sum() >= 2
    assert suppliers["payment_days"].notna().all()


# Restatements, finance


def test_restated_month_differs_by_exactly_the_truth(now, before, clean, truth, seed):
    restated = truth["restated"].set_index(KEY)["quantity"]
    assert set(restated.index.get_level_values("month")) == {_month("2025-10")}
    codes, old = truth["merged_item"], before["sales"].copy()
    old["item"] = old["item"].replace(codes)
    both = old.merge(now["sales"], on=KEY, how="outer", suffixes=("_old", "_new"))
    both = both[both["month"] < BEFORE]
    change = (both["quantity_new"] - both["quantity_old"]).to_numpy()
    both = both.assign(change=change)[change != 0].set_index(KEY)["change"]
    assert both.to_dict() == restated.to_dict() and len(restated) == 4
    untouched = sample.tables(seed, is_clean=True, cycle=BEFORE)["sales"]
    kept = clean["sales"][clean["sales"]["month"] < BEFORE].reset_index(drop=True)
    pd.testing.assert_frame_equal(untouched, kept)


def test_merged_code_moved_item_and_renamed_department(now, before, clean, truth):
    ((old, new),) = truth["merged_item"].items()
    for name in ("sales", "items", "prices", "inventory", "routings"):
        assert old in set(before[name]["item"]) and new not in set(before[name]["item"])
        assert new in set(now[name]["item"]) and old not in set(now[name]["item"])
    ((item, (was, is_now)),) = truth["moved_item"].items()
    assert before["items"].set_index("item")["family"][item] == was
    assert now["items"].set_index("item")["family"][item] == is_now
    assert clean["items"].set_index("item")["family"][item] == was
    ((old, new),) = truth["renamed_department"].items()
    assert {old, new} & set(before["submissions"]["department"]) == {old}
    assert {old, new} & set(now["submissions"]["department"]) == {new}


@pytest.mark.parametrize("kind", ["now", "clean", "before"])
def test_controls_tie_but_for_the_planted_difference(kind, every, truth):
    tables = every[kind]
    sales = _euro(tables)
    money = sales.groupby(["month", "channel"])["euro"].sum().rename("ours").reset_index()
    control = tables["controls"].query("measure == 'revenue_value'")
    both = control.merge(money, on=["month", "channel"], how="left", validate="one_to_one")
    off = both["amount"] - both["ours"]
    off = off.where(off.abs() > 0.011, 0.0)  # a cent of rounding
    planted = truth["control_difference"]
    wrong = both[off != 0]
    if kind == "clean":
        assert wrong.empty
    else:
        assert wrong[["channel", "month"]].to_numpy().tolist() == [
            [planted["channel"], planted["month"]]
        ]
        assert abs(off[off != 0].iloc[0] - planted["amount"]) < 0.011
    units = tables["controls"].query("measure == 'quantity'").set_index("month")["amount"]
    assert (sales.groupby("month")["quantity"].sum().loc[units.index] == units).all()


def test_prices_of_the_north_are_in_krona(now):
    prices = now["prices"][now["prices"]["first_month"] == _month("2025-01")]
    wide = prices.pivot(index=["item", "channel"], columns="location", values="unit_price_value")
    assert ((wide["North"] * 0.088 / wide["all"] - 1).abs() < 0.01).all()
    sales = now["sales"].query("month == '2025-03-01' and not is_promotion and quantity > 0")
    sales = sales.merge(wide.reset_index(), on=["item", "channel"], how="inner")
    listed = sales["North"].where(sales["location"] == "North", sales["all"])
    assert np.allclose(sales["revenue_value"], (sales["quantity"] * listed).round(2), atol=0.011)
    rates = now["rates"].query("kind == 'actual'").set_index("month")["rate"]
    assert rates.index.max() == BEFORE and rates.between(0.07, 0.11).all() and rates.std() > 0.0005


def test_calendar_is_plain_months(now):
    calendar = now["calendar"]
    assert len(calendar) == 84 and (calendar["first_date"] == calendar["month"]).all()
    assert (calendar["first_date"].shift(-1) - calendar["last_date"]).dropna().dt.days.eq(1).all()
    by_year = calendar.groupby("fiscal_year")["working_days"].sum()
    assert by_year.between(248, 256).all()


def test_every_item_says_its_unit_and_its_planning_factor(now):
    items = now["items"]
    assert set(items["unit"]) == {"piece", "job", "bag"}
    factor = items.groupby("family")["planning_factor"].agg(["min", "max"])
    assert (factor["min"] == factor["max"]).all() and (factor["min"] > 0).all()
    assert factor["min"][["Repair service", "Spare parts", "Tents"]].tolist() == [0.25, 0.05, 1]


def test_revenue_stays_between_60_and_95_million_euro_a_year(now):
    sales = _euro(now)
    assert sales.groupby(sales["month"].dt.year)["euro"].sum().between(60e6, 95e6).all()
