"""AdventureWorks from its original tables alone, beside the tidy ones: same units, same money."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from sopkit import contract, cycle, sources, store

CYCLE = pd.Timestamp("2014-06-01")
TIDY, ORIGINAL = "examples/adventureworks", "examples/adventureworks_oltp"
CENT = 0.01  # the tidy lines' own rounding: single orders are up to 0.0003 off their header
# as the data's own README gives them
UNITS = {"Online": 60_398, "Reseller": 214_516}
REVENUE = {"Online": 29.36e6, "Reseller": 80.49e6}


@pytest.fixture(scope="module")
def raw_table(needs):
    """``raw_table(mapping, name)``: one raw table, typed; all rows, as no cycle is given."""
    data = needs("shared/data/adventureworks")
    found: dict[tuple[str, str], pd.DataFrame] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVENTUREWORKS_DATA", str(data))

        def read(folder: str, name: str) -> pd.DataFrame:
            if (folder, name) not in found:
                frame, source = sources.read(needs(folder) / sources.MAPPING, name, None)
                checked = contract.check_table(name, frame, source)
                assert not checked.findings, checked.findings
                found[folder, name] = checked.frame
            return found[folder, name]

        yield read


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, needs):
    data = needs("shared/data/adventureworks")
    root = tmp_path_factory.mktemp("adventureworks_oltp")
    shutil.copytree(needs(ORIGINAL), root / "data/raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVENTUREWORKS_DATA", str(data))
        yield root


def _both(raw_table, measure: str, by: list[str]) -> pd.DataFrame:
    sums = [raw_table(folder, "sales").groupby(by)[measure].sum() for folder in (TIDY, ORIGINAL)]
    return pd.concat(sums, axis=1, keys=["tidy", "original"])


@pytest.mark.parametrize("folder", [TIDY, ORIGINAL])
def test_totals_are_the_published_ones(raw_table, folder):
    sales = raw_table(folder, "sales")
    by_channel = sales.groupby("channel")[["quantity", "revenue_value"]].sum()
    assert sales["quantity"].sum() == 274_914
    assert by_channel["quantity"].to_dict() == UNITS
    assert by_channel["revenue_value"].to_dict() == pytest.approx(REVENUE, abs=5_000)


def test_both_mappings_have_the_same_units_by_item_territory_channel_and_month(raw_table):
    units = _both(raw_table, "quantity", ["item", "location", "channel", "month"])
    assert len(units) == 31_186
    assert units["tidy"].equals(units["original"])


def test_both_mappings_have_the_same_revenue_by_territory_channel_and_month(raw_table):
    revenue = _both(raw_table, "revenue_value", ["location", "channel", "month"])
    assert len(revenue) == 552
    difference = (revenue["original"] - revenue["tidy"]).abs()
    assert difference.notna().all()
    assert difference.max() < CENT


def test_spreading_by_the_price_list_gives_the_lines_own_revenue_but_for_imputed_prices(raw_table):
    # 22 orders hold the 64 lines without a price; elsewhere the list with its offers is the price
    revenue = _both(raw_table, "revenue_value", ["item", "location", "channel", "month"])
    difference = (revenue["original"] - revenue["tidy"]).abs()
    assert difference.max() == pytest.approx(550.36, abs=CENT)
    assert (difference > CENT).sum() == 81
    assert difference.sum() == pytest.approx(2_231.31, abs=0.1)
    online = difference.xs("Online", level="channel")
    assert online.max() < 1e-6


@pytest.mark.parametrize("folder", [TIDY, ORIGINAL])
def test_headers_control_the_revenue_of_every_month_and_channel(raw_table, folder):
    key = ["month", "channel"]
    controls = raw_table(folder, "controls").query("measure == 'revenue_value'")
    control = controls.set_index(key)["amount"]
    ours = raw_table(folder, "sales").groupby(key)["revenue_value"].sum()
    assert set(controls["table"]) == {"sales"}
    assert set(control.index) == set(ours.index)
    assert len(control) == 72
    assert (ours - control).abs().max() < CENT
    assert round(control.sum(), 2) == 109_846_381.40


def test_transactions_control_the_units_of_every_month(raw_table):
    controls = raw_table(TIDY, "controls").query("measure == 'quantity'")
    control = controls.set_index("month")["amount"]
    assert set(controls["channel"]) == {"all"}
    ours = raw_table(TIDY, "sales").groupby("month")["quantity"].sum()
    pd.testing.assert_series_equal(control, ours, check_names=False)
    assert control.sum() == 274_914


def test_controls_show_an_order_that_is_missing_from_the_lines(raw_table):
    key = ["month", "channel"]
    sales = raw_table(TIDY, "sales").drop(index=0)
    control = raw_table(TIDY, "controls").query("measure == 'revenue_value'").set_index(key)
    ours = sales.groupby(key)["revenue_value"].sum()
    assert ((ours - control["amount"]).abs() > CENT).sum() == 1


@pytest.mark.parametrize("name", ["production", "suppliers", "locations", "channels"])
def test_tables_that_are_made_of_the_same_facts_are_equal(raw_table, name):
    pd.testing.assert_frame_equal(raw_table(TIDY, name), raw_table(ORIGINAL, name))


def test_the_ledger_of_made_items_ends_at_the_count_and_no_counted_part_falls_below_zero(
    raw_table, needs
):
    stock = raw_table(ORIGINAL, "inventory")
    folder = needs("shared/data/adventureworks/oltp")
    products = pd.read_csv(folder / "Product.csv", dtype={"ProductNumber": "str"})
    number = products.set_index("ProductID")["ProductNumber"]
    counts = pd.read_csv(folder / "ProductInventory.csv").groupby("ProductID")["Quantity"].sum()
    counted = counts.rename(index=number)
    last = stock[stock["month"] == CYCLE].set_index("item")
    net = (last["on_hand"] - last["backlog"]).reindex(counted.index)
    assert (net == counted).all()
    owed = stock[(stock["backlog"] > 0) & stock["item"].isin(counted.index)]
    assert owed["item"].str.startswith("BK-").all()
    assert len(owed) == 4


def test_the_mapping_has_no_breach(workspace):
    findings = store.check(workspace, CYCLE)
    assert not (findings["state"] == "breach").any(), findings["message"].tolist()


@pytest.mark.slow
def test_plans_are_made_of_the_original_tables(workspace):
    root = store.open_workspace(workspace)
    settled = cycle.settle_parameters(root, {})
    steps = "data_review product_review demand_review supply_review".split()
    cycle.compute(root, CYCLE, {name: settled[name] for name in steps})
    facts = store.read(root, "data_review_facts", CYCLE).set_index("fact")["amount"]
    assert facts["series"] == 3_172
    assert facts["sales_units"] == 272_784
    assert round(facts["sales_revenue"], 2) == 109_797_375.56
    assert store.read(root, "resource_load", CYCLE)["load_hours"].sum() > 0
