"""A small company with everything a scenario can touch, planned up to the reconciliation."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from sopkit import cycle, months, steps, store

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(pd.Timestamp("2023-07-01"), 30)


def _sales() -> str:
    series = [("TENT", 40, 100), ("PACK", 30, 60), ("LAMP", 50, 20)]
    rows = [
        f"{item},{place},{month:%Y-%m},{base + month.month},{(base + month.month) * price}"
        for month in SPAN
        for item, base, price in series
        for place in ("North", "South")
    ]
    return "\n".join(["item,location,month,quantity,revenue_value", *rows, ""])


FILES = {
    "sales.csv": _sales(),
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
    + "".join(f"GBP,{month:%Y-%m},actual,1.2\n" for month in SPAN),
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
def hill(tmp_path_factory) -> Path:
    """The company's workspace, its cycle 2026-01 planned; nobody may change it."""
    root = tmp_path_factory.mktemp("hill")
    raw = root / "data/raw"
    raw.mkdir(parents=True)
    for name, text in FILES.items():
        (raw / name).write_text(text, encoding="utf-8")
    reviews = {"data_review": {}, "product_review": {}, "demand_review": {"horizon": 18}}
    rest = {"supply_review": {"strategy": "least cost"}, "reconciliation": {}}
    cycle.compute(store.open_workspace(root), CYCLE, reviews | rest)
    return root


@pytest.fixture(scope="session")
def planned(hill) -> dict[str, pd.DataFrame]:
    """What the reconciliation reads."""
    return store.inputs(hill, "reconciliation", CYCLE)


@pytest.fixture(scope="session")
def base(hill, planned) -> dict:
    """What scenarios start from."""
    money = (store.read(hill, name, CYCLE) for name in ("financials", "closed_financials"))
    return steps.scenario_base(planned, *money, cycle=CYCLE)
