"""A company's real extract, mapped by sources.yml alone: the cycle 2014-06 of AdventureWorks."""

from __future__ import annotations

import shutil

import pandas as pd
import pytest

from sopkit import store
from sopkit.__main__ import main

pytestmark = pytest.mark.slow
CYCLE = pd.Timestamp("2014-06-01")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, needs):
    data = needs("shared/data/adventureworks")
    root = tmp_path_factory.mktemp("adventureworks")
    shutil.copytree(needs("examples/adventureworks"), root / "data/raw")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ADVENTUREWORKS_DATA", str(data))
        assert main(["run", "--cycle", "2014-06", "--workspace", str(root)]) == 0
        yield root


def test_what_was_known_before_the_cycle_equals_the_raw_total(workspace, needs):
    facts = store.read(workspace, "data_review_facts", CYCLE).set_index("fact")["amount"]
    lines = pd.read_csv(needs("shared/data/adventureworks/sop/sales_order_lines.csv.gz"))
    before = lines[lines["OrderDate"] < "2014-06-01"]
    assert facts["series"] == 3_172
    assert facts["sales_units"] == before["Quantity"].sum() == 272_784
    assert facts["sales_revenue"] == pytest.approx(before["SalesAmount"].sum(), abs=0.005)
    assert round(facts["sales_revenue"], 2) == 109_797_375.59


def test_the_data_review_shows_these_totals(workspace):
    page = (workspace / "reports/2014-06/01_data_review.html").read_text()
    for figure in ("272,784", "3,172", "109,797,375.59\u00a0USD"):
        assert figure in page, figure


def test_sales_has_not_submitted_for_2014_06_and_the_page_says_so(workspace):
    assert store.read(workspace, "views", CYCLE).empty
    page = (workspace / "reports/2014-06/03_demand_review.html").read_text()
    assert "Sales has not submitted" in page


def test_capacity_receipts_components_and_lead_times_are_mapped(workspace):
    arrivals = store.read(workspace, "arrivals", CYCLE).set_index("table")["rows"]
    for name in (
        "items",
        "prices",
        "inventory",
        "production",
        "resources",
        "routings",
        "components",
        "suppliers",
        "scheduled_receipts",
        "controls",
    ):
        assert arrivals[name] > 0, name
    load = store.read(workspace, "resource_load", CYCLE)
    assert load["load_hours"].sum() > 0


def test_quotas_are_the_sales_departments_view_where_a_quarter_touches_the_horizon(workspace):
    earlier = pd.Timestamp("2014-03-01")
    quotas = store.raw_tables(workspace, earlier)[0]["submissions"]
    assert set(quotas["department"]) == {"sales"}
    assert (quotas["quarter"] == earlier).all()
    assert quotas["revenue_value"].sum() > 1e6


def test_gaps_to_last_year_add_up_and_the_page_says_that_there_is_no_budget(workspace, gaps_add_up):
    tree = gaps_add_up(workspace, CYCLE)
    assert set(tree["against"]) == {"demand", "last year"}
    page = (workspace / "reports/2014-06/05_reconciliation.html").read_text()
    assert "No budget says whether the year is made" in page
    assert "There is no budget for these months" in page
