"""What every test may use: tiny tables typed by hand, one sample company, and what a test needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings

from sopkit import contract, cycle, months, publication, sample, schema, store
from sopkit.__main__ import main
from sopkit.demand import forecasting, history, panel
from sopkit.explore import frame
from sopkit.explore.work import Work
from sopkit.pages.pdf import BROWSERS
from sopkit.reconciliation import gap_tree

REPOSITORY = Path(__file__).resolve().parent.parent

# the same examples on every machine and in every run: no clock, no chance, no stored failures
settings.register_profile("sopkit", deadline=None, derandomize=True, database=None, max_examples=60)
settings.load_profile("sopkit")


# files that take minutes begin first, one that needs the sample company's run beside one that does
# not: processes that share the files then end together, and none waits for another's run
LONGEST = (
    "test_approved_cycles.py",
    "test_lab.py",
    "test_adventureworks.py",
    "test_pipeline.py",
    "test_bad_names.py",
    "test_adventureworks_oltp.py",
    "test_pages.py",
)


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


def _shared() -> Path:
    return Path(os.environ.get("SOPKIT_SHARED", REPOSITORY.parent / "shared"))


def _need(thing: str):
    """A browser's path, a path of the shared folder (``shared/…``) or of the repository."""
    if thing == "chromium":
        found = next(filter(None, map(shutil.which, BROWSERS)), None)
        reason = f"none of {', '.join(BROWSERS)} is on the PATH"
    else:
        inside = Path(thing).parts[:1] == ("shared",)
        path = _shared().joinpath(*Path(thing).parts[1:]) if inside else REPOSITORY / thing
        found = path if path.exists() else None
        reason = f"{path} is not there" + (" (set SOPKIT_SHARED)" if inside else "")
    if found is not None:
        return found
    # the data of `shared` are no tool: they are demanded only where CI says that they are there
    is_demanded = not Path(thing).parts[:1] == ("shared",) or "SOPKIT_SHARED" in os.environ
    if os.environ.get("CI") == "true" and is_demanded:
        pytest.fail(f"{thing} is needed under CI: {reason}", pytrace=False)
    return pytest.skip(f"needs {thing}: {reason}")


@pytest.fixture(scope="session")
def needs():
    """``needs("shared/cases/x.json")`` or ``needs("chromium")``: its path, else the test skips.

    Under CI=true a missing tool fails the test; so does missing data where SOPKIT_SHARED is set.
    """
    return _need


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder `shared`: published cases, design, guides."""
    return _need("shared")


@pytest.fixture(scope="session")
def sample_raw() -> dict[str, pd.DataFrame]:
    """Raw tables of the sample company, seed 0; nobody may change them."""
    return sample.tables(0)


@pytest.fixture(scope="session")
def sample_cycle() -> pd.Timestamp:
    """Cycle of the sample company: the month after its last sales."""
    return pd.Timestamp("2026-01-01")


@pytest.fixture(scope="session")
def sample_tables(sample_raw) -> dict[str, pd.DataFrame]:
    """Every raw table of the sample company, typed by the contract; absent ones empty."""
    return {
        name: contract.check_table(name, sample_raw[name], contract.Source(name)).frame
        if name in sample_raw
        else contract.empty(name)
        for name in schema.RAW
    }


@pytest.fixture(scope="session")
def sample_history(sample_tables, sample_cycle) -> pd.DataFrame:
    """Table `demand_history` of the sample company."""
    return history.demand_history(
        sample_tables["sales"],
        sample_tables["items"],
        cycle=sample_cycle,
        basis=sample.company()["sales_basis"],
    )


@pytest.fixture(scope="session")
def laid_out(sample_tables):
    """``laid_out(history)``: demand, what came, and the families of a history's series."""

    def lay_out(table: pd.DataFrame):
        demand = panel.from_table(table, "demand")
        came = (table["sales"] + table["returns"]).where(~table["is_stockout"])
        actual = panel.from_table(table.assign(actual=came), "actual")
        return demand, actual, history.family_codes(demand.keys, sample_tables["items"])

    return lay_out


@pytest.fixture(scope="session")
def sample_panel(sample_history, laid_out):
    """Demand, what came, and families of the sample company's series."""
    return laid_out(sample_history)


@pytest.fixture(scope="session")
def sample_tests(sample_panel) -> forecasting.Backtest:
    """What every model would have said of the sample company's series, and says of 24 months."""
    return forecasting.backtest(*sample_panel, horizon=24)


@pytest.fixture(scope="session")
def sample_backtest(sample_tests) -> pd.DataFrame:
    """Table `backtest` of the sample company."""
    return forecasting.table(sample_tests)


@pytest.fixture(scope="session")
def sample_workspace(tmp_path_factory, worker_id) -> Path:
    """A workspace of the sample company whose cycle 2026-01 has been run once, pages and all.

    Worker processes share it, so nobody may change it.
    """
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "sample_company"
    with FileLock(f"{root}.lock"):
        if not publication.folder(root, pd.Timestamp("2026-01-01")).is_dir():
            assert main(["init", str(root)]) == 0
            assert main(["run", "--workspace", str(root)]) == 0
    return root


@pytest.fixture(scope="session")
def computed():
    """``computed(workspace, cycle)``: a whole cycle as a run leaves it, without its pages."""

    def compute(root: Path, month: pd.Timestamp) -> None:
        workspace = store.open_workspace(root)
        cycle.compute(workspace, month, cycle.settle_parameters(workspace, {}))

    return compute


@pytest.fixture(scope="session")
def gaps_add_up():
    """``gaps_add_up(workspace, cycle)``: parts sum to gaps, members to the company, to 1e-6."""

    def add_up(root: Path, month: pd.Timestamp) -> pd.DataFrame:
        parts, tree = (store.read(root, name, month) for name in ("gap_parts", "gap_tree"))
        for table in (parts, tree):
            gap = table["plan_value"] - table["before_value"]
            assert (table["gap_value"] - gap).abs().max() <= 1e-6
            assert (table[gap_tree.PARTS].sum(axis=1) - gap).abs().max() <= 1e-6
        told_in_full = tree[tree["against"].isin(["budget", "last year"])]
        levels = told_in_full.groupby(["against", "measure", "period", "level"])
        sums = levels[["gap_value", *gap_tree.PARTS]].sum()
        spread = sums.groupby(level=[0, 1, 2]).agg(lambda amounts: amounts.max() - amounts.min())
        assert spread.max().max() <= 1e-6
        whole = tree[tree["level"] == "company"]
        assert (whole["mix"].abs() <= 0.05 * whole[gap_tree.PARTS].abs().sum(axis=1)).all()
        return tree

    return add_up


@pytest.fixture
def at_once(monkeypatch):
    """Long work of explorers is done where it is asked for, so that a test sees what came of it."""

    def start(work, job, done) -> None:
        try:
            done(job(lambda share, words: None))
        except months.UsageError as error:
            work.place.children = [frame.missing(error)]

    monkeypatch.setattr(Work, "start", start)


@pytest.fixture
def sales_only(tmp_path) -> Path:
    """A workspace of `sales.csv` alone: two items, thirty months, item, month, quantity."""
    raw = tmp_path / "ws" / "data" / "raw"
    raw.mkdir(parents=True)
    span = months.span(pd.Timestamp("2023-07-01"), 30)
    rows = [
        f"{item},{month:%Y-%m},{base + month.month}"
        for item, base in (("NA", 20), ("00123", 5))
        for month in span
    ]
    (raw / "sales.csv").write_text("\n".join(["item,month,quantity", *rows, ""]))
    return tmp_path / "ws"


@pytest.fixture(scope="session")
def corrected(tmp_path_factory, sample_cycle) -> Path:
    """A workspace whose data review has run: TENT with an outlier and a stock-out, LAMP with none.

    Nobody may change it: copy it.
    """
    root = tmp_path_factory.mktemp("corrected")
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    rows = [
        f"{item},{month:%Y-%m},{units + k % 5},{units * 20},false"
        for item, units in (("TENT", 50), ("LAMP", 30))
        for k, month in enumerate(months.span(pd.Timestamp("2022-01-01"), 48))
    ]
    rows[20], rows[30] = "TENT,2023-09,900,9000,false", "TENT,2024-07,4,80,true"
    text = "\n".join(["item,month,quantity,revenue_value,is_stockout", *rows, ""])
    (raw / "sales.csv").write_text(text)
    (raw / "items.csv").write_text("item,family\nTENT,Tents\nLAMP,Lamps\n")
    cycle.compute(store.open_workspace(root), sample_cycle, {"data_review": {}})
    return root


@pytest.fixture
def tiny_sales() -> pd.DataFrame:
    """Table `sales`, typed: A with a return, a month without a row and a stock-out; B starts late.

    A: 10, 12, −4, nothing, 11 until the stock-out month with 2. B: 5 in the last two months.
    """
    rows = pd.DataFrame(
        {
            "item": ["A", "A", "A", "A", "A", "B"],
            "month": ["2025-01", "2025-02", "2025-03", "2025-05", "2025-06", "2025-06"],
            "quantity": [10, 12, -4, 11, 2, 5],
            "revenue_value": [100.0, 120.0, -40.0, 110.0, 20.0, 50.0],
            "is_stockout": [False, False, False, False, True, False],
        }
    )
    return contract.check_table("sales", rows, contract.Source("sales")).frame


@pytest.fixture
def tiny_items() -> pd.DataFrame:
    """Table `items`, typed: A made, B bought, both of the family Tents."""
    rows = pd.DataFrame(
        {
            "item": ["A", "B"],
            "family": ["Tents", "Tents"],
            "unit_cost_value": [6.0, 4.0],
            "unit_price_value": [10.0, 10.0],
            "is_purchased": [False, True],
        }
    )
    return contract.check_table("items", rows, contract.Source("items")).frame


@pytest.fixture
def series_table():
    """``series_table({"A": [1.0, 2.0]}, "2025-01")``: a long table of `demand`, typed.

    Each list ends in the table's last month; a shorter one starts later.
    """

    def make(series: dict[str, list[float]], first: str = "2021-01") -> pd.DataFrame:
        count = max(len(values) for values in series.values())
        span = months.span(months.parse_cycle(first), count)
        parts = [
            pd.DataFrame(
                {
                    "item": item,
                    "location": "all",
                    "channel": "all",
                    "month": span[count - len(values) :],
                    "demand": map(float, values),
                }
            )
            for item, values in series.items()
        ]
        return pd.concat(parts, ignore_index=True)

    return make


_SPAN = months.span(pd.Timestamp("2023-07-01"), 30)


def _hill_sales() -> str:
    series = [("TENT", 40, 100), ("PACK", 30, 60), ("LAMP", 50, 20)]
    rows = [
        f"{item},{place},{month:%Y-%m},{base + month.month},{(base + month.month) * price}"
        for month in _SPAN
        for item, base, price in series
        for place in ("North", "South")
    ]
    return "\n".join(["item,location,month,quantity,revenue_value", *rows, ""])


_HILL = {
    "sales.csv": _hill_sales(),
    "items.csv": """\
item,family,unit_cost_value,unit_price_value,lead_time_days,is_purchased
TENT,Tents,60,100,10,no
PACK,Packs,30,60,10,no
LAMP,Lamps,9,20,45,yes
""",
    "locations.csv": """\
location,region,supplied_from,currency
North,Main,,EUR
South,Isles,North,GBP
""",
    "rates.csv": "currency,month,kind,rate\n"
    + "".join(f"GBP,{month:%Y-%m},actual,1.2\n" for month in _SPAN),
    "events.csv": """\
event,kind,first_month,last_month,family,expected_rate,probability_rate,cost_value,owner
Spring sale,promotion,2026-04,2026-05,Tents,0.3,0.5,1000,Ada
""",
    "resources.csv": """\
resource,regular_hours,overtime_hours,regular_cost_value,overtime_cost_value
sewing,100,30,20,32
""",
    "routings.csv": "family,resource,hours_per_unit\nTents,sewing,0.8\nPacks,sewing,0.4\n",
    "suppliers.csv": "item,supplier,lead_time_days\nLAMP,Lumen,45\nCLOTH,Mill,30\n",
    "components.csv": "item,component,quantity_per\nTENT,CLOTH,3\n",
    "planning_costs.csv": """\
family,holding_cost_value,backorder_cost_value,subcontract_cost_value
Tents,1,12,90
Packs,0.5,7,
Lamps,0.2,3,
""",
    "inventory.csv": """\
item,location,month,on_hand
TENT,North,2025-12,120
PACK,North,2025-12,100
LAMP,North,2025-12,260
""",
    "scheduled_receipts.csv": """\
item,location,month,kind,quantity,is_firm
LAMP,North,2026-01,purchase,120,yes
LAMP,North,2026-02,purchase,110,yes
""",
    "company.yml": "name: Hill\ncurrency: EUR\nservice_levels: {default: 0.95}\n",
}


@pytest.fixture(scope="session")
def hill(tmp_path_factory, sample_cycle) -> Path:
    """The company's workspace, its cycle 2026-01 planned; nobody may change it."""
    root = tmp_path_factory.mktemp("hill")
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    for name, text in _HILL.items():
        (raw / name).write_text(text, encoding="utf-8")
    reviews = {"data_review": {}, "product_review": {}, "demand_review": {"horizon": 18}}
    rest = {"supply_review": {"strategy": "least cost"}, "reconciliation": {}}
    cycle.compute(store.open_workspace(root), sample_cycle, reviews | rest)
    return root
