"""The generated sample company keeps the contract it promises to the rest of sopkit."""

from __future__ import annotations

import pandas as pd
import pytest
import yaml

from sopkit import sample

KEYS = {
    "sales": ["item", "location", "channel", "month"],
    "items": ["item"],
    "locations": ["location"],
    "channels": ["channel"],
    "prices": ["item", "channel", "first_month"],
    "budget": ["family", "month"],
    "submissions": ["department", "cycle", "month", "family", "location"],
    "inventory": ["item", "location", "month"],
    "production": ["item", "location", "month"],
    "scheduled_receipts": ["item", "location", "month", "kind", "cycle"],
    "resources": ["resource"],
    "capacity": ["resource", "month"],
    "routings": ["item", "resource"],
    "planning_costs": ["family"],
    "suppliers": ["item", "supplier"],
    "targets": ["kpi", "first_month"],
    "assumptions": ["assumption"],
    "decisions": ["decision", "cycle"],
    "options": ["decision", "option"],
    "actions": ["action", "cycle"],
}


@pytest.fixture(scope="module")
def company_tables() -> dict[str, pd.DataFrame]:
    return sample.tables(seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("raw")
    sample.write(path, seed=0)
    return path


def test_every_table_is_unique_on_its_key(company_tables):
    assert set(company_tables) == set(KEYS)
    repeated = {n: int(t.duplicated(KEYS[n]).sum()) for n, t in company_tables.items()}
    assert set(repeated.values()) == {0}, repeated


def test_equal_seeds_give_equal_bytes(folder, tmp_path):
    for path in sample.write(tmp_path, seed=0):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_another_seed_gives_other_sales(folder, tmp_path):
    sample.write(tmp_path, seed=1)
    assert (tmp_path / "sales.csv").read_bytes() != (folder / "sales.csv").read_bytes()


def test_files_keep_codes_months_money_and_blanks_as_text(folder):
    raw = {n: pd.read_csv(folder / f"{n}.csv", dtype=str, keep_default_na=False) for n in KEYS}
    assert "00417" in set(raw["items"]["item"])
    assert raw["sales"]["month"].str.fullmatch(r"\d{4}-\d{2}-01").all()
    assert raw["sales"]["quantity"].str.fullmatch(r"-?\d+").all()
    assert raw["sales"]["revenue_value"].str.fullmatch(r"-?\d+\.\d{2}").all()
    assert set(raw["sales"]["is_promotion"]) == {"true", "false"}
    assert (raw["submissions"].query("department == 'finance'")["quantity"] == "").all()
    assert b"\r" not in (folder / "sales.csv").read_bytes()


def test_files_stay_small(folder):
    assert (folder / "sales.csv").stat().st_size <= 2.5e6
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 3.5e6


def test_company_settings_survive_the_file(folder):
    settings = yaml.safe_load((folder / "company.yml").read_text(encoding="utf-8"))
    assert settings == sample.company()


def test_months_are_first_days_in_one_type(company_tables):
    months = [t["month"] for t in company_tables.values() if "month" in t]
    assert {str(month.dtype) for month in months} == {"datetime64[us]"}
    assert all((month.dt.day == 1).all() for month in months)


def test_every_item_and_family_is_known(company_tables):
    items = company_tables["items"]
    for name, table in company_tables.items():
        for column in {"item", "family"} & set(table):
            assert set(table[column]) <= set(items[column]), (name, column)
    bought = set(items.loc[items["is_purchased"], "item"])
    assert bought == set(company_tables["suppliers"]["item"])
    assert set(items["item"]) - bought == set(company_tables["routings"]["item"])


def test_sales_hold_no_zero_rows_and_the_planted_faults(company_tables):
    sales = company_tables["sales"]
    assert (sales["quantity"] != 0).all()
    assert (sales["quantity"] < 0).sum() == 10
    assert sales["is_stockout"].sum() == 24
    assert (sales["month"].min(), sales["month"].max()) == (
        pd.Timestamp("2021-01-01"),
        pd.Timestamp("2025-12-01"),
    )


def test_items_sell_only_between_launch_and_end(company_tables):
    sold = company_tables["sales"].merge(
        company_tables["items"], on="item", how="left", validate="many_to_one"
    )
    assert (sold["month"] >= sold["launch_month"]).all()
    assert (sold["month"] <= sold["end_month"].fillna(pd.Timestamp("2099-01-01"))).all()


def test_revenue_stays_between_60_and_90_million_a_year(company_tables):
    sales = company_tables["sales"]
    revenue = sales.groupby(sales["month"].dt.year)["revenue_value"].sum()
    assert revenue.between(60e6, 90e6).all()


def test_opening_plus_production_less_sales_is_closing(company_tables):
    key = ["item", "month"]
    sold = company_tables["sales"].groupby(key)["quantity"].sum().rename("sold").reset_index()
    made = company_tables["production"].drop(columns="location")
    stock = (
        company_tables["inventory"]
        .merge(made, on=key, how="left", validate="one_to_one")
        .merge(sold, on=key, how="left", validate="one_to_one")
        .fillna({"sold": 0})
        .sort_values(key)
    )
    opening = stock.groupby("item")["on_hand"].shift()
    closing = opening + stock["quantity"] - stock["sold"]
    assert (closing == stock["on_hand"])[opening.notna()].all()
    assert (stock["on_hand"] >= 0).all()


def test_sales_department_is_too_high_and_finance_repeats_the_budget(company_tables):
    submissions = company_tables["submissions"]
    known = submissions[submissions["month"] <= "2026-12-01"]
    total = known.groupby("department")["quantity"].sum()
    assert 1.05 < total["sales"] / total["marketing"] < 1.09
    finance = submissions.query("department == 'finance' and month >= '2025-01-01'")
    both = finance.merge(
        company_tables["budget"], on=["family", "month"], how="left", validate="many_to_one"
    )
    assert (both["revenue_value_x"] == both["revenue_value_y"]).all()


def test_sewing_is_overloaded_in_spring_when_production_follows_demand(company_tables):
    sales = company_tables["sales"].query("month >= '2025-01-01'")
    needed = sales.merge(company_tables["routings"], on="item", how="inner")  # made items only
    needed = needed.assign(  # five percent growth; stock-outs of 2025 still understate May
        load_hours=1.05 * needed["quantity"] * needed["hours_per_unit"],
        month=needed["month"] + pd.DateOffset(years=1),
    )
    load = needed.groupby(["resource", "month"])["load_hours"].sum().unstack()
    hours = company_tables["capacity"].set_index(["resource", "month"])
    regular = hours["regular_hours"].unstack()[load.columns]
    utilisation = load / regular
    assert utilisation.loc["sewing"].iloc[2:7].max() > 1.05
    assert utilisation.drop("sewing").max().max() < 1.15
    assert 0.70 < load.to_numpy().sum() / regular.to_numpy().sum() < 0.90


def test_generating_stock_leaves_items_and_sales_unchanged(company_tables):
    items, sales = company_tables["items"].copy(), company_tables["sales"].copy()
    expected = pd.DataFrame(1.0, items.index, sample.MONTHS).to_numpy()
    sample._stock(items, sales, expected)
    sample._receipts(items, expected)
    pd.testing.assert_frame_equal(items, company_tables["items"])
    pd.testing.assert_frame_equal(sales, company_tables["sales"])
    assert (expected == 1.0).all()
