"""Extracts for each function: hand-made plans, the sample company counted row by row, no data."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import agenda, cycle, extracts, schema, store

CYCLE = pd.Timestamp("2026-01-01")
FEBRUARY = pd.Timestamp("2026-02-01")


def _table(name: str, rows: list[dict]) -> pd.DataFrame:
    """Rows of a raw table with all its columns, typed where they are given."""
    blank = dict.fromkeys(schema.RAW[name].column_names)
    table = pd.DataFrame([blank | row for row in rows], columns=list(blank))
    return table.astype({"item": "str"}) if "item" in table else table


def _read(workspace, step: str) -> dict[str, pd.DataFrame]:
    """What the closing of a step hands to its extracts."""
    tables = {
        name: store.raw_table(workspace, name, CYCLE)
        if name in schema.RAW
        else store.read(workspace, name, CYCLE)
        for name in extracts.reads(step)
    }
    return tables | {"company": store.company(workspace)}


ITEMS = _table(
    "items",
    [
        {"item": "00123", "family": "Tents", "description": "Fell 2"},
        {"item": "B", "family": "Lighting", "lead_time_days": None},
        {"item": "C", "family": "Lighting", "lead_time_days": 45.0},
    ],
)


def test_declarations_name_steps_tables_and_columns_that_exist():
    steps = {step.name for step in agenda.STEPS}
    for extract in extracts.EXTRACTS.values():
        assert extract.step in steps and extract.meaning
        assert set(extract.reads) <= {*schema.RAW, *schema.PROCESSED}
        assert all(extract.columns.values())
        order = [step.name for step in agenda.STEPS]
        for name in set(extract.reads) & set(schema.PROCESSED):
            maker = next(step.name for step in agenda.STEPS if name in step.writes)
            assert order.index(maker) <= order.index(extract.step), "it is there at closing"


def test_sales_takes_the_plan_with_its_money_and_who_answers_for_it():
    plan = pd.DataFrame(
        {
            "item": ["00123", "00123", "B"],
            "location": ["North", "North", "South"],
            "channel": ["Online", "Online", "Retail"],
            "month": [FEBRUARY, CYCLE, CYCLE],
            "consensus": [12.0, 10.0, 5.0],
        }
    )
    rates = plan[schema.SERIES].drop_duplicates().assign(unit_price_value=[100.0, float("nan")])
    tables = {
        "demand_plan": plan,
        "money_rates": rates.assign(unit_cost_value=1.0, price_source="prices"),
        "items": ITEMS,
        "locations": _table("locations", [{"location": "North", "region": "Up", "owner": "M. K."}]),
        "channels": _table("channels", [{"channel": "Online", "owner": "A. L."}]),
        "rates": _table("rates", []),
        "company": pd.DataFrame({"currency": ["EUR"]}),
    }
    made = extracts.extracts("demand_review", tables, cycle=CYCLE)["sales"]
    assert list(made) == list(extracts.EXTRACTS["sales"].columns)
    assert made["item"].tolist() == ["00123", "00123", "B"]
    tent = made.iloc[0]
    assert (tent["month"], tent["quantity"], tent["revenue_value"]) == (CYCLE, 10.0, 1000.0)
    assert (tent["region"], tent["location_owner"], tent["channel_owner"]) == (
        "Up",
        "M. K.",
        "A. L.",
    )
    other = made.iloc[2]
    assert other[["location_owner", "channel_owner", "revenue_value"]].isna().all(), "not guessed"
    assert other["region"] == schema.UNASSIGNED


def test_money_of_a_foreign_territory_stands_at_the_rate_of_its_month():
    plan = pd.DataFrame(
        {"item": "B", "location": "North", "channel": "all", "consensus": 10.0}
        | {"month": [CYCLE, FEBRUARY]}
    )
    money = {"unit_price_value": 8.0, "unit_cost_value": 1.0, "price_source": "prices"}
    rates = pd.DataFrame({"currency": "SEK", "kind": "budget"} | {"month": [CYCLE, FEBRUARY]})
    tables = {
        "demand_plan": plan,
        "money_rates": plan[schema.SERIES].head(1).assign(**money),  # 100 krona at 0.08
        "items": ITEMS,
        "locations": _table("locations", [{"location": "North", "currency": "SEK"}]),
        "channels": _table("channels", []),
        "rates": rates.assign(rate=[0.08, 0.10]),
        "company": pd.DataFrame({"currency": ["EUR"]}),
    }
    made = extracts.extracts("demand_review", tables, cycle=CYCLE)["sales"]
    assert made["revenue_value"].tolist() == pytest.approx([80.0, 100.0])


def _supply(**columns: list) -> dict[str, pd.DataFrame]:
    """A supply plan of three items at one site, and what else the extracts of supply read."""
    zero = dict.fromkeys(("regular", "overtime", "subcontract", "purchased", "receipts"), 0.0)
    keys = {"item": ["00123", "B", "C"], "location": "plant", "month": pd.Timestamp("2026-03-01")}
    plan = pd.DataFrame(keys | zero | columns)
    orders = {"item": ["B", "C"], "location": "plant", "supplier": ["Quick", ""]}
    orders |= {"month": pd.Timestamp("2026-03-01"), "quantity": [30.0, 6.0]}
    orders |= {"order_by": [pd.Timestamp("2026-02-13"), CYCLE], "amount_value": [75.0, None]}
    load = {"resource": "sewing", "month": CYCLE, "load_hours": 9.0, "regular_hours": 8.0}
    return {
        "supply_plan": plan,
        "purchase_orders": pd.DataFrame(orders),
        "resource_load": pd.DataFrame([load | {"overtime_hours": 2.0, "overload_hours": 0.0}]),
        "items": ITEMS,
        "resources": _table("resources", [{"resource": "sewing", "location": "plant"}]),
        "company": pd.DataFrame({"currency": ["EUR"]}),
    }


def test_production_is_what_is_made_and_purchasing_what_is_still_to_be_ordered():
    tables = _supply(regular=[6.0, 0.0, 0.0], overtime=[2.0, 0.0, 0.0])
    made = extracts.extracts("supply_review", tables, cycle=CYCLE)
    assert list(made) == ["production", "production_hours", "purchasing"]
    assert made["production"]["item"].tolist() == ["00123"]
    assert made["production"]["quantity"].tolist() == [8.0]
    assert made["production_hours"].loc[0, ["location", "load_hours"]].tolist() == ["plant", 9.0]
    bought = made["purchasing"].set_index("item")
    assert bought["quantity"].to_dict() == {"B": 30.0, "C": 6.0}
    assert bought.loc["B", "purchase_value"] == 75.0 and pd.isna(bought.loc["C", "purchase_value"])
    assert bought.loc["B", "supplier"] == "Quick" and pd.isna(bought.loc["C", "supplier"])
    days = {"B": pd.Timestamp("2026-02-13"), "C": CYCLE}
    assert bought["order_by_date"].to_dict() == days


def test_finance_without_families_is_the_company():
    money = {name: 1.0 for name in extracts.EXTRACTS["finance"].columns if name.endswith("_value")}
    rows = [
        {"level": "company", "member": "Company", "period_kind": kind, "period": CYCLE} | money
        for kind in ("month", "year")
    ]
    tables = {"money_by_level": pd.DataFrame(rows)}
    made = extracts.extracts("reconciliation", tables, cycle=CYCLE)["finance"]
    assert made[["family", "month"]].values.tolist() == [[schema.UNASSIGNED, CYCLE]]


def test_one_amount_known_keeps_every_row_of_an_extract():
    names = [n for n in extracts.EXTRACTS["finance"].columns if n.endswith("_value")]
    rows = [
        {"level": "family", "member": family, "period_kind": "month", "period": CYCLE}
        | dict.fromkeys(names)
        for family in ("Hats", "Tents")
    ]
    money = pd.DataFrame(rows).astype(dict.fromkeys(names, "float64"))
    blank = extracts.extracts("reconciliation", {"money_by_level": money}, cycle=CYCLE)["finance"]
    assert blank.empty and list(blank) == list(extracts.EXTRACTS["finance"].columns)
    money.loc[1, "cash_value"] = 0.0
    known = extracts.extracts("reconciliation", {"money_by_level": money}, cycle=CYCLE)["finance"]
    assert known["family"].tolist() == ["Hats", "Tents"]


def test_steps_without_extracts_have_none():
    for step in ("data_review", "executive_review"):
        assert extracts.reads(step) == [] and extracts.extracts(step, {}, cycle=CYCLE) == {}


def test_a_workspace_of_sales_alone_has_extracts_without_money(sales_only):
    workspace = store.open_workspace(sales_only)
    settled = cycle.settle_parameters(workspace, {})
    cycle.compute(workspace, CYCLE, {step.name: settled[step.name] for step in agenda.STEPS})
    made = {}
    for step in agenda.STEPS:
        made |= extracts.extracts(step.name, _read(workspace, step.name), cycle=CYCLE)
    assert list(made) != [] and set(made) == set(extracts.EXTRACTS)
    for name, table in made.items():
        assert list(table) == list(extracts.EXTRACTS[name].columns), name
    plan = store.read(workspace, "demand_plan", CYCLE)
    assert made["sales"]["quantity"].sum() == pytest.approx(plan["consensus"].sum())
    assert set(made["sales"]["item"]) == {"NA", "00123"}
    assert made["sales"]["revenue_value"].isna().all()
    assert made["purchasing"].empty and made["production_hours"].empty
    assert made["finance"].empty  # without prices and costs there is nothing in it
    assert made["product_launches"].empty and len(made["product"]) == 2
    assert made["product"]["revenue_value"].isna().all()
    assert made["product"]["abc"].notna().all()


@pytest.mark.slow
def test_extracts_of_the_sample_company_lose_nothing(sample_workspace):
    made = {}
    for step in agenda.STEPS:
        made |= extracts.extracts(step.name, _read(sample_workspace, step.name), cycle=CYCLE)

    def read(name: str) -> pd.DataFrame:
        return store.read(sample_workspace, name, CYCLE)

    money, levels, plan = read("plan_money"), read("money_by_level"), read("supply_plan")
    assert made["sales"]["revenue_value"].sum() == pytest.approx(money["revenue_value"].sum())
    assert made["sales"]["quantity"].sum() == pytest.approx(money["quantity"].sum())
    assert made["sales"]["location_owner"].notna().all()
    company = levels[(levels["level"] == "company") & (levels["period_kind"] == "month")]
    for name in ("revenue_value", "margin_value", "inventory_value", "cash_value"):
        assert made["finance"][name].sum() == pytest.approx(company[name].sum()), name
    own = plan[["regular", "overtime", "subcontract"]].sum().sum()
    assert made["production"]["quantity"].sum() == pytest.approx(own)
    orders = read("purchase_orders")
    assert made["purchasing"]["quantity"].sum() == pytest.approx(orders["quantity"].sum())
    assert orders["quantity"].sum() > plan["purchased"].sum()  # components among them
    money = made["purchasing"]["purchase_value"].sum()
    assert money == pytest.approx(orders["amount_value"].sum())
    assert made["purchasing"]["supplier"].notna().all()
    assert len(made["product"]) == len(read("classes"))
    assert len(made["product_launches"]) == len(
        store.raw_table(sample_workspace, "launches", CYCLE)
    )
