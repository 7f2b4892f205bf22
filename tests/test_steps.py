"""The six steps one after the other, in memory: what they read, write and keep true."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from sopkit import across, agenda, contract, decided, months, sample, schema, steps, store
from sopkit.demand import hierarchy
from sopkit.reconciliation import grid
from sopkit.supply import strategies

HORIZON = 24
NAMES = [step.name for step in agenda.STEPS]
EXTRAS = {"demand_review": {"horizon": HORIZON}, "supply_review": {"strategy": "chase"}}
LEDGERS = ("demand_plan", "supply_plan", "inventory_projection", "item_financials", "financials")
LEVELS_OF_STOCK = ("company", "family", "category")
PAST = {
    f"{kind}_{name}"
    for step in agenda.STEPS
    for kind, names in (("ledger", step.ledger), ("previous", step.previous))
    for name in names
}


def company_row(settings: dict) -> pd.DataFrame:
    row = {name: setting.default for name, setting in schema.COMPANY.items()} | settings
    return pd.DataFrame({name: [value] for name, value in row.items()})


NO_SCENARIOS = pd.DataFrame(columns=["scenario", "content", "problem"])


REVISED = {name for step in agenda.STEPS for name in step.revisions}


def none_reopened(root, name: str) -> pd.DataFrame:
    """What a cycle in which nothing was reopened has of earlier revisions, as store gives it."""
    return store.ledger(root, name).drop(columns=["cycle", "origin"]).assign(revision=0)


def empty_ledgers(root) -> dict[str, pd.DataFrame]:
    """What past cycles left in a workspace that has none, as store gives it."""
    return {name: store.ledger(root, name.partition("_")[2]) for name in PAST}


def given(
    raw: dict[str, pd.DataFrame], settings: dict, cycle: pd.Timestamp, root
) -> dict[str, pd.DataFrame]:
    """All that a first cycle has before its first step."""
    first, shift = months.fiscal_terms(raw["calendar"], 1)
    terms = {"fiscal_year_first_month": first, "fiscal_year_shift": shift}
    known = {name: store.known(table, name, cycle) for name, table in raw.items()}
    return (
        known
        | empty_ledgers(root)
        | {"running_sales": known["sales"].iloc[:0], "scenario_files": NO_SCENARIOS}
        | {
            "decided": decided.decided(
                known["choices"], known["options"], NO_SCENARIOS, cycle=cycle
            )
        }
        | {f"revision_{name}": none_reopened(root, name) for name in REVISED}
        | {"company": company_row(settings | terms), "findings": across.findings_table([], known)}
    )


def declared(step: steps.Step, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What the step may read, and nothing else."""
    past = [f"ledger_{name}" for name in step.ledger]
    past += [f"previous_{name}" for name in step.previous]
    past += [f"running_{name}" for name in step.running]
    past += [f"revision_{name}" for name in step.revisions]
    files = [{"scenarios": "scenario_files"}.get(name, name) for name in step.files]
    read = [*step.raw, *step.processed, *past, *files, "company"]
    own = {name: tables[name] for name in read}
    if "planning_units" not in own:
        return own
    settled = own["planning_units"]  # as store.inputs settles them
    factor = schema.lookup(own["items"]["item"], settled, "planning_factor")
    unit = settled["planning_unit"].iloc[0]
    return own | {
        "items": own["items"].assign(planning_factor=factor),
        "company": own["company"].assign(planning_unit=unit),
    }


def run_all(tables: dict[str, pd.DataFrame], cycle: pd.Timestamp, **extras) -> dict[str, dict]:
    """Results of each step, each called with its declared tables alone; warnings are errors."""
    tables, results = dict(tables), {}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for step in agenda.STEPS:
            extra = (EXTRAS | extras).get(step.name, {})
            results[step.name] = getattr(steps, step.name)(
                declared(step, tables), cycle=cycle, **extra
            )
            tables |= results[step.name]
    return results


def flat(results: dict[str, dict]) -> dict[str, pd.DataFrame]:
    return {name: table for tables in results.values() for name, table in tables.items()}


@pytest.fixture(scope="module")
def inputs(sample_tables, sample_cycle, tmp_path_factory) -> dict[str, pd.DataFrame]:
    return given(sample_tables, sample.company(), sample_cycle, tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def results(inputs, sample_cycle) -> dict[str, dict]:
    """All six steps on the sample company, which change nothing they are given."""
    before = {name: table.copy(deep=True) for name, table in inputs.items()}
    found = run_all(inputs, sample_cycle)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, inputs[name], obj=name)
    return found


@pytest.fixture(scope="module")
def made(results) -> dict[str, pd.DataFrame]:
    """Every table that the six steps wrote."""
    return flat(results)


# the steps as declared


@pytest.mark.parametrize("name", NAMES)
def test_a_step_writes_exactly_the_tables_it_declares(results, name):
    assert set(results[name]) == set(agenda.step(name).writes)


@pytest.mark.parametrize("name", NAMES)
def test_a_steps_tables_keep_their_contract(results, name):
    for table, frame in results[name].items():
        contract.check_processed(table, frame)
        assert isinstance(frame.index, pd.RangeIndex), table


def test_each_table_is_written_by_one_step_and_read_only_after_it():
    seen: set[str] = {"findings"}
    for step in agenda.STEPS:
        assert set(step.processed) <= seen, step.name
        assert set(step.raw) <= set(schema.RAW)
        assert set(step.writes) <= set(schema.PROCESSED)
        assert not (set(step.writes) - {"findings"}) & seen
        seen |= set(step.writes)
    assert seen == set(schema.PROCESSED)


def test_no_step_changes_the_tables_of_another(results, inputs, sample_cycle):
    tables = inputs | flat(results)
    before = {name: table.copy(deep=True) for name, table in tables.items()}
    for name in NAMES[3:]:
        getattr(steps, name)(tables, cycle=sample_cycle, **EXTRAS.get(name, {}))
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, tables[name], obj=name)


def test_an_unknown_step_names_those_there_are():
    with pytest.raises(months.UsageError, match="no step 'reviews'. Did you mean 'data_review'"):
        agenda.step("reviews")


def test_an_unknown_strategy_stops_the_supply_review(inputs, made, sample_cycle):
    with pytest.raises((KeyError, ValueError), match="fastest"):
        steps.supply_review(inputs | made, cycle=sample_cycle, strategy="fastest")


# what must be true of the numbers


def test_statistical_and_departments_are_the_consensus(made):
    plan = made["demand_plan"]
    assert plan["departments"].ne(0).any()
    assert (plan["consensus"] >= 0).all()


def test_the_demand_plan_has_every_series_and_month_once(made):
    plan, history = made["demand_plan"], made["demand_history"]
    new = made["money_rates"][schema.SERIES]  # launches have no history yet, but a price
    assert set(new["item"]) - set(history["item"]) == {"TN-520", "BP-527", "LI-541"}
    series = pd.concat([history[schema.SERIES], new]).drop_duplicates()
    assert len(plan) == HORIZON * len(series)
    assert not plan.duplicated(schema.SERIES_MONTH).any()


def test_regular_overtime_purchased_and_receipts_are_the_supply(made):
    plan = made["supply_plan"]
    parts = plan[["regular", "overtime", "purchased", "receipts"]]
    assert (parts.sum() > 0).all()  # the sample has all four
    assert (parts >= 0).all(axis=None)
    parts = parts.sum(axis=1) + plan["subcontract"] + plan["transfers"]
    assert np.allclose(parts, plan["supply"], rtol=1e-12, atol=1e-9)
    assert plan["transfers"].min() < 0 < plan["transfers"].max()


def test_opening_supply_and_demand_carry_stock_without_holes(made):
    stock = made["inventory_projection"]
    end = stock["opening"] + stock["supply"] - stock["demand"]
    assert np.allclose(end, stock["closing"], rtol=1e-12, atol=1e-9)
    groups = stock.groupby(schema.SITE)
    assert (groups.size() == HORIZON).all()
    assert groups["month"].is_monotonic_increasing.all()
    after = groups["opening"].shift(-1)
    assert (after.isna() | (after == stock["closing"])).all()
    pd.testing.assert_frame_equal(
        stock[[*schema.SITE_MONTH, "supply"]], made["supply_plan"][[*schema.SITE_MONTH, "supply"]]
    )


def test_stock_begins_with_what_was_counted(made, sample_tables, sample_cycle):
    stock = made["inventory_projection"]
    first = stock[stock["month"] == sample_cycle].groupby("item")["opening"].sum()
    counted = sample_tables["inventory"]
    counted = counted[counted["month"] == months.shift(sample_cycle, -1)]
    net = counted["on_hand"] - counted["backlog"].fillna(0.0)  # at plant and depot together
    net = net.groupby(counted["item"]).sum().reindex(first.index, fill_value=0.0)
    np.testing.assert_allclose(first, net)
    assert net.sum() > 0


def test_all_demand_of_the_markets_and_all_open_orders_are_demand_on_the_sites(
    made, sample_tables, sample_cycle
):
    plan = made["demand_plan"].set_index(schema.SERIES_MONTH)["consensus"]
    orders = store.known(sample_tables["orders"], "orders", sample_cycle)
    book = orders.groupby(schema.SERIES_MONTH)["quantity"].sum().reindex(plan.index)
    assert (book > plan).any()  # the sample has orders above the plan
    wanted = plan.clip(lower=book.fillna(0.0)).groupby(["item", "month"]).sum()
    stock = made["inventory_projection"].groupby(["item", "month"])["demand"].sum()
    pd.testing.assert_series_equal(wanted, stock, check_names=False)


def test_load_stays_within_regular_and_overtime_hours(made):
    load = made["resource_load"]
    assert (load["load_hours"] <= load["regular_hours"] + load["overtime_hours"] + 1e-6).all()
    assert (load["load_hours"] > load["regular_hours"]).any()
    rate = load["load_hours"] / load["regular_hours"]
    assert np.allclose(rate, load["utilisation_rate"])


def test_load_is_all_that_is_made_times_its_hours(made, sample_tables, sample_cycle):
    plan = made["supply_plan"]
    units = plan.assign(units=plan["regular"] + plan["overtime"])[["item", "month", "units"]]
    due = store.known(sample_tables["scheduled_receipts"], "scheduled_receipts", sample_cycle)
    due = due[(due["kind"] == "production") & due["is_firm"]]  # still to be made
    assert len(due)
    due = due.rename(columns={"quantity": "units"})[["item", "month", "units"]]
    units = pd.concat([units, due], ignore_index=True)
    routed = sample_tables["routings"].merge(units, on="item", how="inner", validate="m:m")
    hours = routed["hours_per_unit"] * routed["units"]
    expected = hours.groupby([routed["resource"], routed["month"]]).sum()
    load = made["resource_load"].set_index(["resource", "month"])["load_hours"]
    assert np.allclose(load, expected.reindex(load.index))
    assert plan["overtime"].gt(0).any()


def test_a_gap_is_supply_less_demand(made):
    table = made["gaps"]
    assert (table["supply"] - table["demand"] == table["gap"]).all()
    money = made["financials"]
    assert np.allclose(table["gap_value"], money["supply_revenue_value"] - money["revenue_value"])
    has_budget = table["budget_variance_value"].notna()
    assert has_budget.any()
    assert np.allclose(
        table["budget_variance_value"][has_budget],
        (money["budgeted_revenue_value"] - money["budget_revenue_value"])[has_budget],
    )


@pytest.mark.parametrize("name", ["financials", "closed_financials", "gaps"])
def test_the_company_is_the_sum_of_its_families(made, name):
    table = made[name]
    budgets = [column for column in table if column.startswith("budget_")]
    measures = table.columns.drop(["family", "month", *budgets])
    measures = measures.drop("last_year_variance_value", errors="ignore")  # new ones have none
    whole = table[table["family"] == schema.COMPANY_LABEL].set_index("month")[measures]
    parts = table[table["family"] != schema.COMPANY_LABEL]
    parts = parts.groupby("month")[measures].sum(min_count=1)
    pd.testing.assert_frame_equal(whole, parts)


def test_what_supply_delivers_adds_up_over_series_to_the_deliveries(made):
    key = ["item", "month"]
    shared = made["plan_money"].groupby(key)["constrained"].sum()
    delivered = made["deliveries"].groupby(key)["deliverable"].sum()
    np.testing.assert_allclose(shared, delivered, atol=1e-6)


def test_what_is_bought_for_launches_says_so_and_is_late_for_the_launch_alone(made):
    orders, launches = made["purchase_orders"], made["late_launches"]
    planned = set(made["demand_plan"]["item"])
    new = orders[orders["launch_quantity"] > 0.5]
    assert len(new) and new["wanted_for"].str.contains("launch of ").all()
    assert not orders.loc[orders["launch_quantity"] == 0, "wanted_for"].str.contains("launch").any()
    assert (orders["launch_quantity"] <= orders["quantity"] + 1e-6).all()
    assert not set(launches["component"]) & set(made["late_components"]["item"])
    needed = made["requirements"].groupby("item")["gross"].sum()
    whole = new[~new["item"].isin(planned) & ~new["wanted_for"].str.contains(";")]
    for item, units in whole.groupby("item")["launch_quantity"].sum().items():
        assert units <= needed[item] + 1e-6


def test_members_of_every_level_of_the_plan_in_money_add_up_to_the_company(made):
    table, key = made["money_by_level"], ["period_kind", "period"]
    whole = table[table["level"] == "company"].set_index(key).sort_index()
    by_item = ["inventory_value", "payable_value", "cash_value"]
    for level, own in table.groupby("level"):
        measures = [
            name for name in table.columns[4:] if level in LEVELS_OF_STOCK or name not in by_item
        ]
        sums = own.groupby(key)[measures].sum(min_count=1)
        np.testing.assert_allclose(sums, whole[measures], rtol=0, atol=1e-6)
    assert set(table["level"]) == {*LEVELS_OF_STOCK, "channel", "segment", "region"}


def test_costs_of_the_plan_in_money_are_those_of_the_chosen_strategy(made, sample_tables):
    table = made["money_by_level"]
    own = table[(table["level"] == "company") & (table["period_kind"] == "month")]
    sheet = made["production_strategies"].set_index(["strategy", "cost_kind"])["amount_value"]
    sheet = sheet["chase"]  # regular hours, units made by others; neither lots nor material here
    made_by_us = sheet[["regular hours", "subcontracting"]].sum()
    assert own["production_cost_value"].sum() == pytest.approx(made_by_us)
    assert own["overtime_cost_value"].sum() == pytest.approx(sheet["overtime hours"])
    due = made["supply_plan"].merge(sample_tables["items"], on="item", validate="m:1")
    due = due[due["is_purchased"].fillna(False).astype(bool) & (due["location"] == "plant")]
    ahead = (due["receipts"] * due["unit_cost_value"]).sum()
    assert ahead > 0  # what is ordered already is no cost of a strategy, but it is bought
    assert own["purchase_cost_value"].sum() == pytest.approx(sheet["purchases"] + ahead)


def test_steps_of_the_outlook_add_up_and_page_05_and_06_say_the_same(made):
    table = made["outlook_bridge"]
    assert set(table["comparator"]) == {"budget", "last year"}
    for _, own in table.groupby(["fiscal_year", "comparator"]):
        total = own[own["kind"] == "total"]["amount_value"]
        moves = own[own["kind"] == "step"].set_index("step")["amount_value"]
        between = moves.drop("supply").sum()
        assert total.iloc[0] + between == pytest.approx(total.iloc[1], abs=1e-6)
        assert total.iloc[1] + moves["supply"] == pytest.approx(total.iloc[2], abs=1e-6)
    one, other = (
        made[f"{name}_facts"].set_index("fact")["amount"]
        for name in ("reconciliation", "executive_review")
    )
    for fact in ("outlook", "budget", "outlook_rate", "needed_growth_rate", "supplied_beyond"):
        assert one[fact] == pytest.approx(other[fact], nan_ok=True), fact


def test_the_companys_budget_is_its_families_and_what_was_spread_of_quarters(made):
    table = pd.concat([made["closed_financials"], made["financials"]])
    is_whole = table["family"] == schema.COMPANY_LABEL
    whole = table[is_whole].set_index("month").sort_index()
    families = table[~is_whole].groupby("month")["budget_revenue_value"].sum()
    own = whole["budget_revenue_value"] - whole["budget_spread_value"]
    has_budget = own.notna()
    assert whole["budget_spread_value"].gt(0).any()  # the sample budgets spare parts by quarter
    np.testing.assert_allclose(own[has_budget], families[has_budget])


@pytest.mark.parametrize("name", ["sop_grid_demand", "sop_grid_supply", "sop_grid"])
def test_the_grids_company_is_the_sum_of_its_families(made, name):
    table = made[name].drop(columns="is_last_plan")
    is_sum = table["measure"].isin(["Sales", "Supply", "Revenue", "Margin"])
    table = table[is_sum & (table["row"] != "Budget")]
    key = ["measure", "row", "month"]
    whole = table[table["family"] == schema.COMPANY_LABEL].set_index(key)["amount"]
    parts = table[table["family"] != schema.COMPANY_LABEL].groupby(key)["amount"].sum()
    pd.testing.assert_series_equal(whole.sort_index(), parts.sort_index(), check_index_type=False)


def test_the_grids_stock_of_the_company_holds_what_is_owed_and_what_services_owe(
    made, sample_cycle, sample_tables
):
    table = made["sop_grid"]
    table = table[(table["row"] == grid.NOW) & (table["month"] >= sample_cycle)]
    by = table.groupby(["measure", "month"])["amount"].sum().unstack("measure")
    whole = company_line(made["sop_grid"], "Inventory", grid.NOW).reindex(by.index)
    stock = hierarchy.with_levels(in_common(made, "inventory_projection"), sample_tables["items"])
    services = stock[stock["family"] == "Repair service"].groupby("month")["closing"].sum()
    own = by["Inventory"] - whole - by["Backlog"] + services
    np.testing.assert_allclose(own, whole)


def test_the_grid_gathers_measures_from_meeting_to_meeting(made):
    volumes = {"Supply", "Inventory", "Backlog", "Utilisation"}
    known = [
        set(made[name].loc[made[name]["month"] >= "2026-01-01", "measure"])
        for name in ("sop_grid_demand", "sop_grid_supply", "sop_grid")
    ]
    assert known == [{"Sales"}, {"Sales", *volumes}, {"Sales", *volumes, "Revenue", "Margin"}]


def test_the_assumption_that_no_longer_holds_is_found_and_priced(made):
    log = made["register"].set_index("name")
    broken = log[log["status"] == "broken"]
    assert broken.index.tolist() == [sample.truths()["broken_assumption"]["assumption"]]
    assert broken["amount_value"].gt(0).all()
    assert log.loc["A3", "status"] == "untested"  # nobody wrote a formula for it


def test_events_departments_and_overrides_of_the_sample_all_move_the_plan(made):
    plan = made["demand_plan"]
    layers = plan[["statistical", "events", "departments", "overrides"]]
    assert layers.ne(0).any().all()
    assert np.allclose(layers.sum(axis=1), plan["consensus"], rtol=1e-12)
    effects = made["override_effects"]
    common = in_common(made, "demand_plan")["overrides"].sum()
    assert effects["change"].sum() == pytest.approx(common)
    assert set(effects["state"]) == {"applied"} and effects["is_locked"].any()


def test_the_grid_shows_what_the_plans_say(made, sample_cycle):
    table = made["sop_grid"]
    own = table[
        (table["family"] == "Company")
        & (table["row"] == grid.NOW)
        & (table["month"] >= sample_cycle)
    ]
    sums = own.groupby("measure")["amount"].sum()
    for measure, name, column in VOLUMES:
        assert sums[measure] == pytest.approx(in_common(made, name)[column].sum())
    company = made["financials"][made["financials"]["family"] == "Company"]
    assert sums["Revenue"] == pytest.approx(company["revenue_value"].sum())


def test_each_strategy_is_planned_and_priced(made):
    assert set(made["production_strategies"]["strategy"]) == set(strategies.NAMES)
    by_name = made["strategy_months"].groupby("strategy")["supply"].sum()
    assert by_name["chase"] == pytest.approx(in_common(made, "supply_plan")["supply"].sum())


def test_the_chosen_strategy_becomes_the_plan(inputs, made, sample_cycle):
    level = steps.supply_review(inputs | made, cycle=sample_cycle, strategy="level")
    assert not level["supply_plan"]["supply"].equals(made["supply_plan"]["supply"])
    by_name = made["strategy_months"].groupby("strategy")["supply"].sum()
    assert in_common(made | level, "supply_plan")["supply"].sum() == pytest.approx(by_name["level"])
    pd.testing.assert_frame_equal(level["strategy_months"], made["strategy_months"])


def test_level_makes_a_service_when_it_is_asked_for(inputs, made, sample_cycle):
    name = inputs["routings"]["item"].iloc[0]
    is_name = inputs["items"]["item"] == name
    lead_time = inputs["items"]["lead_time_days"].mask(is_name, 0.0)
    gone = {
        table: inputs[table][inputs[table]["item"] != name]
        for table in ("inventory", "scheduled_receipts")
    }
    free = {table: inputs[table].assign(regular_hours=1e6) for table in ("resources", "capacity")}
    items = inputs["items"].assign(is_service=is_name, lead_time_days=lead_time)
    tables = inputs | made | gone | free | {"items": items}
    level = steps.supply_review(tables, cycle=sample_cycle, strategy="level")
    own = level["inventory_projection"]
    own = own[own["item"] == name]
    assert own["demand"].sum() > 0
    assert own["closing"].abs().max() < 1e-6  # neither made ahead nor owed


def test_the_order_of_raw_rows_changes_no_plan(inputs, made, sample_cycle):
    shuffled = {
        name: inputs[name].sample(frac=1, random_state=1, ignore_index=True)
        for name in schema.RAW
        if name != "targets"
    }
    tables = inputs | made | shuffled
    for name in ("supply_review", "reconciliation"):
        again = getattr(steps, name)(tables, cycle=sample_cycle, **EXTRAS.get(name, {}))
        for table in set(again) & {
            "supply_plan",
            "resource_load",
            "financials",
            "gaps",
            "sop_grid",
        }:
            pd.testing.assert_frame_equal(made[table], again[table], obj=table)


# sales alone


@pytest.fixture(scope="module")
def only_sales(sample_raw, sample_cycle, tmp_path_factory) -> dict[str, pd.DataFrame]:
    """A company that brings item, month and quantity and nothing else."""
    sales = sample_raw["sales"].groupby(["item", "month"], as_index=False)["quantity"].sum()
    sales = sales[sales["item"].isin(sorted(sales["item"].unique())[:8])]
    checked = contract.check_table("sales", sales, contract.Source("sales"))
    raw = {name: contract.empty(name) for name in schema.RAW} | {"sales": checked.frame}
    return given(raw, {}, sample_cycle, tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def from_sales(only_sales, sample_cycle) -> dict[str, dict]:
    return run_all(only_sales, sample_cycle)


@pytest.mark.parametrize("name", NAMES)
def test_sales_alone_carry_every_step_without_a_warning(from_sales, name):
    assert set(from_sales[name]) == set(agenda.step(name).writes)
    for table, frame in from_sales[name].items():
        contract.check_processed(table, frame)


def test_sales_alone_give_a_plan_that_supply_can_follow(from_sales):
    tables = flat(from_sales)
    plan, stock = tables["demand_plan"], tables["inventory_projection"]
    assert plan["consensus"].sum() > 0
    assert plan["departments"].eq(0).all()
    assert stock["demand"].sum() == pytest.approx(plan["consensus"].sum())
    assert (stock["closing"] >= -1e-9).all()  # nothing limits it
    assert tables["gaps"].loc[tables["gaps"]["family"] == "Company", "gap"].abs().max() < 1e-6
    assert tables["financials"]["revenue_value"].isna().all()
    assert set(tables["financials"]["family"]) == {"Company", "unassigned"}


def test_a_young_company_with_three_months_of_sales_gets_a_plan(only_sales, sample_cycle):
    sales = only_sales["sales"]
    young = sales[sales["month"] >= months.shift(sample_cycle, -3)].reset_index(drop=True)
    tables = flat(run_all(only_sales | {"sales": young}, sample_cycle))
    assert tables["demand_plan"]["consensus"].sum() > 0
    facts = tables["demand_review_facts"].set_index("fact")
    assert np.isnan(facts.loc["growth_rate", "amount"])


# the second cycle


@pytest.fixture(scope="module")
def second(inputs, made, sample_cycle) -> dict[str, pd.DataFrame]:
    """The sample's cycle again, after one in December that planned a tenth more of everything."""
    before = months.shift(sample_cycle, -1)

    def planned_before(name: str) -> pd.DataFrame:
        table = made[name]
        numbers = table.select_dtypes("float64").columns
        moved = months.from_number(months.number(table["month"]) - 1)
        more = table.assign(**{column: table[column] * 1.1 for column in numbers})
        more = more.assign(month=moved, cycle=before, origin="run")
        return more.astype({"cycle": months.DTYPE})

    ledgers = {f"ledger_{name}": planned_before(name) for name in LEDGERS}
    return inputs | ledgers | flat(run_all(inputs | ledgers, sample_cycle))


VOLUMES = [
    ("Sales", "demand_plan", "consensus"),
    ("Supply", "supply_plan", "supply"),
    ("Inventory", "inventory_projection", "closing"),
]


def in_common(tables: dict[str, pd.DataFrame], name: str, prefix: str = "") -> pd.DataFrame:
    """A table's quantities in planning units."""
    return hierarchy.in_planning_units(tables[prefix + name], tables["planning_units"])


def company_line(table: pd.DataFrame, measure: str, row: str) -> pd.Series:
    own = table[
        (table["family"] == "Company") & (table["measure"] == measure) & (table["row"] == row)
    ]
    return own.set_index("month")["amount"]


@pytest.mark.parametrize(("measure", "name", "column"), VOLUMES)
def test_the_second_cycle_shows_last_plan_difference_and_running_difference(
    second, sample_cycle, measure, name, column
):
    table = second["sop_grid"]
    last, now, difference, running = (
        company_line(table, measure, row)
        for row in (grid.LAST, grid.NOW, grid.DIFFERENCE, grid.RUNNING)
    )
    planned = in_common(second, name, "ledger_").groupby("month")[column].sum()
    assert last.index[0] == months.shift(sample_cycle, -1)  # December, now closed
    assert len(last) == HORIZON
    assert last.tolist() == pytest.approx(planned.tolist())
    assert difference.tolist() == pytest.approx((now.reindex(last.index) - last).tolist())
    expected = difference if measure == "Inventory" else difference.cumsum()
    assert running.tolist() == pytest.approx(expected.tolist())
    assert difference.abs().gt(0).any()


def test_before_supply_is_planned_the_last_plan_stands_in_and_is_marked(second, sample_cycle):
    table = second["sop_grid_demand"]
    ahead = table[(table["row"] == grid.NOW) & (table["month"] >= sample_cycle)]
    marked = ahead.groupby("measure")["is_last_plan"].agg(["all", "any"])
    assert not marked.loc["Sales", "any"]
    for measure in ("Supply", "Inventory", "Revenue", "Margin"):
        assert marked.loc[measure, "all"], measure
    final = second["sop_grid"]
    assert not final.loc[final["row"] == grid.NOW, "is_last_plan"].any()


def test_the_second_cycle_measures_the_plan_of_the_first(second, made, sample_cycle):
    table = second["lag_accuracy"]
    assert sorted(table["lag"].unique()) == [-1, 0]  # December, planned in December
    layers = {"same month last year", "statistical", "with events", "with departments", "consensus"}
    assert set(table["layer"]) == layers
    assert set(second["value_added"]["verdict"]) == {"too early to say"}
    assert set(second["plan_attainment"]["plan"]) == {"supply", "inventory"}
    for name in ("lag_accuracy", "value_added", "plan_attainment", "bridge"):
        assert made[name].empty, name


def test_the_past_of_the_ledger_changes_no_plan(second, made):
    for name in ("demand_plan", "supply_plan", "inventory_projection", "financials", "gaps"):
        pd.testing.assert_frame_equal(second[name], made[name], obj=name)


def test_actual_stock_and_supply_count_planned_items_only(inputs, sample_cycle):
    """A stock list may hold parts that nobody plans: they would break the grid's balance."""
    part = inputs["inventory"].tail(1).assign(item="PART", on_hand=1e6)
    stock = pd.concat([inputs["inventory"], part], ignore_index=True)
    grid = run_all(inputs | {"inventory": stock}, sample_cycle)["reconciliation"]["sop_grid"]
    row = grid[(grid["family"] == "Company") & (grid["measure"] == "Inventory")]
    assert row["amount"].max() < 1e6


# a company of two items typed by hand: A in pieces, B in bags of twenty, sold at home and abroad


def tiny(root, *, settings=None, **raw) -> dict[str, pd.DataFrame]:
    """Inputs of a first cycle: twelve months of 10 A at home and 2 B in Norway."""
    span = [months.label(month) for month in months.closed(pd.Timestamp("2026-01-01"), 12)]
    rows = [
        (item, place, month, units, money)
        for month in span
        for item, place, units, money in (("A", "Home", 10, 50), ("B", "Norway", 2, 1000))
    ]
    columns = ["item", "location", "month", "quantity", "revenue_value"]
    tables = {
        "sales": pd.DataFrame(rows, columns=columns),
        "items": pd.DataFrame(
            {
                "item": ["A", "B"],
                "family": ["Tents", "Pegs"],
                "unit": ["piece", "bag"],
                "planning_factor": [1.0, 20.0],
                "unit_cost_value": [2.0, 30.0],
            }
        ),
        "locations": pd.DataFrame({"location": ["Home", "Norway"], "currency": ["EUR", "NOK"]}),
        "rates": pd.DataFrame(
            [("NOK", month, "actual", 0.1) for month in span] + [("NOK", "2026-01", "budget", 0.2)],
            columns=["currency", "month", "kind", "rate"],
        ),
    } | raw
    typed = {name: contract.empty(name) for name in schema.RAW}
    for name, frame in tables.items():
        checked = contract.check_table(name, frame, contract.Source(name))
        assert not [f for f in checked.findings if f.state == "breach"], checked.findings
        typed[name] = checked.frame
    usual = {"currency": "EUR", "planning_unit": "pieces"}
    return given(typed, usual | (settings or {}), pd.Timestamp("2026-01-01"), root)


def run_tiny(root, **raw) -> dict[str, pd.DataFrame]:
    return flat(run_all(tiny(root, **raw), pd.Timestamp("2026-01-01")))


def fact(tables: dict[str, pd.DataFrame], step: str, name: str) -> pd.Series:
    return tables[f"{step}_facts"].set_index("fact").loc[name]


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory) -> dict[str, pd.DataFrame]:
    return run_tiny(tmp_path_factory.mktemp("tiny"))


def test_totals_are_in_planning_units_and_in_the_companys_currency_by_hand(by_hand):
    # a year of 10 pieces and of 2 bags of 20; of 50 euro and of 1,000 krona at 0.1
    assert fact(by_hand, "data_review", "sales_units")["amount"] == 12 * (10 + 40)
    assert fact(by_hand, "data_review", "sales_revenue")["amount"] == pytest.approx(12 * 150.0)
    assert fact(by_hand, "data_review", "unit")["text"] == "pieces"
    assert by_hand["demand_history"]["sales"].sum() == 12 * 12  # series stay in their own unit
    rates = by_hand["money_rates"].set_index("item")["unit_price_value"]
    # 500 krona a bag, to be planned at January's budget rate of 0.2, whatever the past rate was
    assert rates.to_dict() == pytest.approx({"A": 5.0, "B": 100.0})


def test_the_plan_of_family_and_company_is_in_planning_units_by_hand(by_hand):
    money = by_hand["financials"].groupby("family")[["quantity", "revenue_value"]].sum()
    plan = by_hand["demand_plan"].groupby("item")["consensus"].sum()
    assert plan["A"] == pytest.approx(10 * HORIZON) and plan["B"] == pytest.approx(2 * HORIZON)
    assert money.loc["Pegs", "quantity"] == pytest.approx(20 * plan["B"])
    assert money.loc["Company", "quantity"] == pytest.approx(plan["A"] + 20 * plan["B"])
    # January at the budget rate of 0.2, the months after it at the last actual rate of 0.1
    abroad = 100 * 2 + 50 * (plan["B"] - 2)
    assert money.loc["Company", "revenue_value"] == pytest.approx(5 * plan["A"] + abroad)
    first = by_hand["gaps"].groupby("family")[["demand", "supply"]].sum()
    assert first.loc["Company", "supply"] == pytest.approx(first.loc["Company", "demand"])


def test_without_factors_totals_are_money_at_the_prices_by_hand(tmp_path):
    items = pd.DataFrame({"item": ["A", "B"], "family": ["T", "P"], "unit": ["piece", "bag"]})
    tables = run_tiny(tmp_path, items=items)
    assert fact(tables, "data_review", "unit")["text"] == "EUR at the prices of the cycle"
    assert fact(tables, "data_review", "sales_units")["amount"] == pytest.approx(12 * 250.0)
    whole = tables["financials"][tables["financials"]["family"] == "Company"].iloc[0]
    assert whole["month"] == pd.Timestamp("2026-01-01") and whole["quantity"] == pytest.approx(
        whole["revenue_value"]
    )


def test_prices_views_and_budget_abroad_take_the_budget_rate_by_hand(tmp_path):
    prices = pd.DataFrame(
        {"item": ["B"], "location": "Norway", "first_month": "2025-01", "unit_price_value": [300]}
    )
    views = pd.DataFrame(
        {
            "department": "sales",
            "cycle": "2026-01",
            "month": "2026-01",
            "location": ["Norway"],
            "revenue_value": [600],
        }
    )
    budget = pd.DataFrame(
        {"location": ["Norway", "Home"], "item": ["B", "A"], "month": "2026-01"}
    ).assign(revenue_value=[700, 70])
    tables = run_tiny(tmp_path, prices=prices, submissions=views, budget=budget)
    price = tables["money_rates"].set_index("item")["unit_price_value"]
    assert price["B"] == pytest.approx(60.0)  # 300 krona at 0.2
    assert tables["views"]["quantity"].tolist() == pytest.approx([2.0])  # 120 euro at 60
    first = tables["financials"].set_index(["family", "month"])["budget_revenue_value"]
    january = pd.Timestamp("2026-01-01")
    assert first["Pegs", january] == pytest.approx(140.0)
    assert first["Company", january] == pytest.approx(210.0)


def test_finances_total_is_held_against_converted_money_by_hand(tmp_path):
    controls = pd.DataFrame(
        {
            "table": "sales",
            "measure": "revenue_value",
            "month": ["2025-11", "2025-12"],
            "amount": [150, 1050],
        }
    )
    table = run_tiny(tmp_path, controls=controls)["control_totals"]
    assert table["ours"].tolist() == pytest.approx([150.0, 150.0])
    assert table["is_tied"].tolist() == [False, True]


def test_overdue_receipts_arrive_in_the_cycles_month_and_none_is_lost(tmp_path):
    receipts = pd.DataFrame(
        {
            "item": "A",
            "location": "Home",
            "month": ["2025-06", "2025-12", "2026-01", "2026-03"],
            "kind": "purchase",
            "cycle": ["2026-01", "2026-01", "2026-01", None],
            "quantity": [1, 2, 4, 8],
        }
    )
    plan = run_tiny(tmp_path, scheduled_receipts=receipts)["supply_plan"]
    own = plan[plan["item"] == "A"].set_index("month")["receipts"]
    assert own[pd.Timestamp("2026-01-01")] == 7.0 and own.sum() == 15.0


def test_stock_and_demand_of_a_chain_stand_at_its_sites_and_are_kept(tmp_path):
    places = pd.DataFrame(
        {
            "location": ["Home", "Norway", "depot", "plant"],
            "supplied_from": ["depot", "depot", "plant", None],
            "currency": ["EUR", "NOK", None, None],
        }
    )
    stock = pd.DataFrame(
        {
            "item": ["A", "A", "B"],
            "location": ["plant", "depot", "Home"],
            "month": "2025-12",
            "on_hand": [3, 4, 5],
        }
    )
    tables = run_tiny(tmp_path, locations=places, inventory=stock)
    projection = tables["inventory_projection"]
    first = projection[projection["month"] == "2026-01-01"]
    assert first[["item", "location", "opening"]].values.tolist() == [
        ["A", "depot", 4.0],
        ["A", "plant", 3.0],
        ["B", "depot", 5.0],  # a market's stock is its site's
        ["B", "plant", 0.0],
    ]
    assert projection.groupby("location")["demand"].sum()["plant"] == 0.0
    assert projection["demand"].sum() == pytest.approx(tables["demand_plan"]["consensus"].sum())


def test_a_run_of_the_second_cycle_finds_what_was_credited_since_the_first(tmp_path, by_hand):
    inputs = tiny(tmp_path)
    sales = inputs["sales"]
    is_credited = (sales["item"] == "A") & (sales["month"] == "2025-11-01")
    credited = inputs | {
        "sales": sales.assign(quantity=sales["quantity"].where(~is_credited, 7.0)),
        "previous_demand_history": by_hand["demand_history"],
        "previous_known_members": by_hand["known_members"],
    }
    step = agenda.step("data_review")
    cycle = pd.Timestamp("2026-01-01")
    found = steps.data_review(declared(step, credited), cycle=cycle)["restatements"]
    assert found[["subject", "before", "after"]].values.tolist() == [["A", 10.0, 7.0]]
    same = credited | {"sales": sales}
    assert steps.data_review(declared(step, same), cycle=cycle)["restatements"].empty


def test_the_load_tells_workers_where_the_plan_changes_them_and_a_kpi_how_they_swing(tmp_path):
    resources = pd.DataFrame(
        {
            "resource": ["sewing", "press"],
            "regular_hours": [100, 100],
            "workers": [2, None],
            "hours_per_worker": [50, None],
            "maximum_workers": [4, None],
        }
    )
    routings = pd.DataFrame(
        {"item": ["A", "B"], "resource": ["sewing", "press"], "hours_per_unit": [1, 1]}
    )
    tables = run_tiny(tmp_path, resources=resources, routings=routings)
    workers = tables["resource_load"].set_index("resource")["workers"]
    assert workers["press"].isna().all() and workers["sewing"].between(0, 4).all()
    kpis = tables["kpis"].set_index("kpi")
    swing = workers["sewing"].diff().abs().sum() / workers["sewing"].mean()
    assert kpis.loc["workforce_swing_rate", "amount"] == pytest.approx(swing)


@pytest.mark.parametrize(("hours", "state"), [(150, "held"), (100, "broken")])
def test_hours_assumed_are_judged_as_given_whatever_was_decided(tmp_path, hours, state):
    span = months.span(pd.Timestamp("2027-01-01"), 12)
    inputs = tiny(
        tmp_path,
        resources=pd.DataFrame({"resource": ["sewing"], "regular_hours": [100]}),
        capacity=pd.DataFrame({"resource": "sewing", "month": span, "regular_hours": hours}),
        routings=pd.DataFrame({"item": ["A"], "resource": ["sewing"], "hours_per_unit": [1]}),
        assumptions=pd.DataFrame(
            {
                "assumption": ["A5"],
                "statement": ["More hours from 2027 on"],
                "owner": ["I. Petrova"],
                "quality": ["red"],
                "impact": ["red"],
                "first_cycle": ["2025-12"],
                "test": ["hours(months=12, ahead=12) <= hours(months=12)"],
            }
        ),
    )
    more = {"what": "capacity", "resource": "sewing", "hours": 80.0}
    asked = more | {"last_month": pd.Timestamp("2026-12-01")}
    said = ["D1", "second", "second", "Second shift", "R. Osei", pd.Timestamp("2026-01-02")]
    names = ["decision", "option", "scenario", "title", "author", "entered_at", "changes"]
    inputs["decided"] = pd.DataFrame([[*said, [asked]]], columns=names)
    tables = flat(run_all(inputs, pd.Timestamp("2026-01-01")))
    assert tables["resource_load"]["regular_hours"].iloc[0] == 180.0  # what was decided is planned
    assert tables["assumption_states"]["state"].tolist() == [state]


def test_the_second_executive_review_stands_beside_the_first(tmp_path, by_hand):
    past = by_hand["kpis"].assign(cycle=pd.Timestamp("2025-12-01"), origin="run")
    step, cycle = agenda.step("executive_review"), pd.Timestamp("2026-01-01")
    inputs = tiny(tmp_path) | by_hand | {"ledger_kpis": past}
    found = steps.executive_review(declared(step, inputs), cycle=cycle)
    status = found["kpis"]
    is_known = status["amount"].notna()
    assert is_known.sum() >= 4
    assert status.loc[is_known, "direction"].eq("unchanged").all()
    assert status.loc[~is_known, "finding"].str.endswith("would show it").all()
    counts = found["kpi_history"].groupby("kpi")["cycle"].nunique()
    assert counts.eq(2).all() and len(counts) == len(status)
