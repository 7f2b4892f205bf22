"""Where we stand beside each goal."""

from __future__ import annotations

import pandas as pd

from sopkit import contract
from sopkit.executive import kpis, standing

CYCLE = pd.Timestamp("2026-01-01")
NO_PAST = pd.DataFrame(
    {"kpi": [], "cycle": pd.to_datetime([]), "amount": [], "target": [], "status": [], "origin": []}
)
AMOUNTS = pd.Series(
    dict.fromkeys(kpis.KPIS, 0.5)
    | {"on_time_rate": 0.75, "margin_rate": 0.4, "plan_bias_rate": 0.1, "pulse_score": 3.5}
    | {"overtime_share_rate": 0.05}
)


def targets_of(*rows: dict) -> pd.DataFrame:
    usual = {"first_month": "2026-01", "last_month": "2026-12", "unit": "rate"}
    table = pd.DataFrame([usual | row for row in rows])
    return contract.check_table("targets", table, contract.Source("targets")).frame


def status(amounts: pd.Series, targets=None, past=NO_PAST, reasons=None) -> pd.DataFrame:
    targets = contract.empty("targets") if targets is None else targets
    return standing.status(amounts, targets, past, reasons or {}, cycle=CYCLE)


def state(kpi: str, amount: float, target: float) -> str:
    table = status(pd.Series({kpi: amount}), targets_of({"kpi": kpi, "target": target}))
    return table.set_index("kpi").loc[kpi, "status"]


def test_a_target_is_met_near_or_missed_by_hand():
    assert state("on_time_rate", 0.97, 0.97) == "met"
    assert state("on_time_rate", 0.95, 0.97) == "near"  # within 5 % of the target
    assert state("on_time_rate", 0.90, 0.97) == "missed"
    assert state("forecast_wape_rate", 0.20, 0.25) == "met"
    assert state("forecast_wape_rate", 0.26, 0.25) == "near"
    assert state("forecast_wape_rate", 0.30, 0.25) == "missed"


def test_bias_is_missed_on_both_sides():
    assert state("forecast_bias_rate", -0.03, 0.03) == "met"
    assert state("forecast_bias_rate", 0.05, 0.03) == "missed"
    assert state("forecast_bias_rate", -0.05, 0.03) == "missed"


def test_only_targets_of_the_whole_company_that_hold_in_the_cycle_count():
    targets = targets_of(
        {"kpi": "on_time_rate", "target": 0.5, "first_month": "2025-01", "last_month": "2025-12"},
        {"kpi": "on_time_rate", "target": 0.6, "first_month": "2026-02"},
        {"kpi": "on_time_rate", "target": 0.7, "family": "Tents"},
        {"kpi": "margin_rate", "target": 0.2, "owner": "R. Osei"},
    )
    table = status(AMOUNTS, targets).set_index("kpi")
    assert table.loc["on_time_rate", ["status", "owner"]].tolist() == ["no target", ""]
    assert table.loc["margin_rate", ["target", "status", "owner"]].tolist() == [
        0.2,
        "met",
        "R. Osei",
    ]


def test_the_last_run_cycle_stands_beside_with_its_direction():
    past = pd.DataFrame(
        [
            ("on_time_rate", "2025-11", 0.99, "run"),
            ("on_time_rate", "2025-12", 0.60, "run"),
            ("plan_bias_rate", "2025-12", -0.05, "run"),
            ("margin_rate", "2025-12", 0.40001, "run"),
            ("pulse_score", "2025-12", 4.0, "run"),
            ("made up", "2025-12", 4.0, "run"),
            ("on_time_rate", "2026-01", 0.10, "replay"),
        ],
        columns=["kpi", "cycle", "amount", "origin"],
    )
    past = past.assign(cycle=pd.to_datetime(past["cycle"]), target=0.5, status="met")
    table = status(AMOUNTS, past=past).set_index("kpi")
    direction = table["direction"]
    assert table.loc["on_time_rate", "last_amount"] == 0.60
    assert direction["on_time_rate"] == "better" and direction["pulse_score"] == "worse"
    assert direction["plan_bias_rate"] == "worse"  # 0.1 is further from zero than -0.05
    assert direction["margin_rate"] == "unchanged" and direction["service_rate"] == ""
    told = standing.history(past, status(AMOUNTS, past=past), cycle=CYCLE)
    own = told[told["kpi"] == "on_time_rate"]
    assert own["cycle"].tolist() == [*pd.to_datetime(["2025-11", "2025-12", "2026-01"])]
    assert own["amount"].tolist()[:2] == [0.99, 0.60] and "made up" not in set(told["kpi"])
    contract.check_processed("kpi_history", told)


def test_what_is_not_given_is_not_measured_never_zero_and_says_what_would_show_it():
    found = pd.Series(dict.fromkeys(kpis.KPIS, float("nan")))
    targets = targets_of(*[{"kpi": kpi, "target": 0.5} for kpi in kpis.KPIS])
    table = status(found, targets)
    assert table["status"].unique().tolist() == ["not measured"]
    assert table["finding"].str.endswith("would show it").all()


def test_a_reason_of_its_own_is_told_in_place_of_the_usual_one():
    found = pd.Series(dict.fromkeys(kpis.KPIS, float("nan")) | {"pulse_score": 4.0})
    reasons = {"margin_rate": "no margin", "pulse_score": "never told", "service_rate": ""}
    told = status(found, reasons=reasons).set_index("kpi")["finding"]
    assert (told["margin_rate"], told["pulse_score"]) == ("no margin", "")
    assert told["service_rate"].endswith("would show it")


def test_every_kpi_has_one_row_and_the_missed_ones_stand_first():
    targets = targets_of(
        {"kpi": "pulse_score", "target": 5.0},
        {"kpi": "margin_rate", "target": 0.2},
        {"kpi": "overtime_share_rate", "target": 0.049},
    )
    table = status(AMOUNTS, targets)
    assert set(table["kpi"]) == set(kpis.KPIS) and table["kpi"].is_unique
    assert table["status"].tolist()[:3] == ["missed", "near", "met"]
    assert table["kpi"].tolist()[:3] == ["pulse_score", "overtime_share_rate", "margin_rate"]
    assert table["meaning"].str.len().between(10, 60).all()
    contract.check_processed("kpis", table)


def test_of_two_targets_that_hold_the_one_that_began_later_counts_in_any_order():
    targets = targets_of(
        {"kpi": "on_time_rate", "target": 0.99, "first_month": "2026-01"},
        {"kpi": "on_time_rate", "target": 0.90, "first_month": "2025-01"},
    )
    for table in (targets, targets[::-1]):
        assert status(AMOUNTS, table).set_index("kpi").loc["on_time_rate", "target"] == 0.99


def test_arguments_are_not_changed():
    targets = targets_of({"kpi": "on_time_rate", "target": 0.9})
    before = AMOUNTS.copy(), targets.copy()
    status(AMOUNTS, targets)
    pd.testing.assert_series_equal(before[0], AMOUNTS)
    pd.testing.assert_frame_equal(before[1], targets)
