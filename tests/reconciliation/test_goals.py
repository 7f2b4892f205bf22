"""What `targets` may say: units by KPI, money in other currencies, each refusal with its remedy."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import contract
from sopkit.executive import kpis
from sopkit.reconciliation import goals

CYCLE = pd.Timestamp("2026-01-01")
COMPANY = pd.Series({"currency": "EUR", "planning_unit": "pieces"})
UNITS = {kpi: unit for kpi, (_, unit, _) in (kpis.DEFINITIONS | goals.DEFINITIONS).items()}


def typed(name: str, *rows: dict) -> pd.DataFrame:
    if not rows:
        return contract.empty(name)
    return contract.check_table(name, pd.DataFrame(list(rows)), contract.Source(name)).frame


def target(kpi: str, unit: str | None, amount: float = 1.0) -> dict:
    span = {"first_month": "2026-01", "last_month": "2026-12"}
    return {"kpi": kpi, "unit": unit, "target": amount} | span


def rate(currency: str, month: str = "2026-01", amount: float = 0.1) -> dict:
    return {"currency": currency, "month": month, "kind": "budget", "rate": amount}


def refused(*rows: dict, rates: tuple = ()) -> list[contract.Finding]:
    tables = {"targets": typed("targets", *rows), "rates": typed("rates", *rates)}
    sources = {name: contract.Source(f"data/raw/{name}.csv") for name in tables}
    found = goals.check_targets(tables, sources, COMPANY, CYCLE, UNITS)
    assert all(finding.state == "breach" for finding in found)
    return found


@pytest.mark.parametrize(
    ("kpi", "unit"),
    [
        ("growth_rate", "rate"),
        ("inventory_cover_months", "months"),
        ("inventory_turns", "turns"),
        ("quantity", "units"),
        ("quantity", "pieces"),
        ("revenue_value", "value"),
        ("revenue_value", "EUR"),
        ("no_such_kpi", "anything"),  # the check of names tells it
    ],
)
def test_a_unit_that_fits_its_kpi_is_taken(kpi, unit):
    assert refused(target(kpi, unit)) == []


def test_a_target_without_a_unit_is_refused_with_row_and_remedy():
    (found,) = refused(target("growth_rate", "rate"), target("margin_rate", None))
    assert found.column == "unit" and found.rows == 1 and found.first_row == "row 2"
    assert found.message == "no unit, so nobody can tell what the target means."
    assert found.remedy == "Write rate in data/raw/targets.csv."


@pytest.mark.parametrize(
    ("kpi", "unit", "message", "remedy"),
    [
        ("growth_rate", "percent", "measured in rate", "Write rate in"),
        ("growth_rate", "rates", "measured in rate", "Did you mean 'rate'?"),
        ("quantity", "value", "measured in units or pieces", "Write units or pieces"),
        ("revenue_value", "EURO", "measured in value or EUR", "Did you mean 'EUR'?"),
        ("revenue_value", "SEK", "measured in value or EUR", "or add the rate of SEK to rates."),
    ],
)
def test_a_unit_that_does_not_fit_is_refused_with_what_would(kpi, unit, message, remedy):
    (found,) = refused(target(kpi, unit))
    assert message in found.message and remedy in found.remedy
    assert f"holds {unit!r}" in found.first_row


@pytest.mark.parametrize(
    ("kpi", "amount", "words"),
    [
        ("growth_rate", 40.0, "Write 0.4 for 40 % in data/raw/targets.csv: rates are no percent."),
        ("growth_rate", -2.0, "Write -0.02 for -2 %"),
        ("service_rate", 97.0, "Write 0.97 for 97 %"),
        ("market_share_rate", 1.1, "Write a rate from 0 to 1 in"),
        ("revenue_share_rate", -0.2, "Write a rate from 0 to 1 in"),
        ("margin_rate", 42.0, "Write 0.42 for 42 %"),
        ("growth_rate", 4000.0, "Write a rate from -1 to 5 in data/raw/targets.csv."),
    ],
)
def test_a_rate_that_cannot_be_meant_is_refused(kpi, amount, words):
    (found,) = refused(target(kpi, "rate", 0.3), target(kpi, "rate", amount))
    assert found.column == "target" and found.first_row == f"row 2 holds {amount:.15g}"
    assert found.remedy.startswith(words)


@pytest.mark.parametrize(
    ("kpi", "amount"),
    [
        ("growth_rate", -1.0),
        ("growth_rate", 5.0),
        ("service_rate", 1.0),
        ("market_share_rate", 0.0),
        ("utilisation_rate", 1.1),
        ("margin_rate", -0.1),
    ],
)
def test_a_rate_that_can_be_meant_is_taken(kpi, amount):
    assert refused(target(kpi, "rate", amount)) == []


def test_money_of_another_currency_is_converted_at_the_rate_to_plan_with():
    rows, rates = (
        typed("targets", target("revenue_value", "SEK", 500.0)),
        typed("rates", rate("SEK")),
    )
    assert refused(target("revenue_value", "SEK"), rates=(rate("SEK"),)) == []
    table = goals.in_company_currency(rows, rates, currency="EUR", cycle=CYCLE)
    assert table["target"].tolist() == [50.0]
    same = typed("targets", target("revenue_value", "EUR", 500.0), target("growth_rate", "rate"))
    table = goals.in_company_currency(same, rates, currency="EUR", cycle=CYCLE)
    assert table["target"].tolist() == [500.0, 1.0]


def test_a_currency_whose_rate_comes_later_is_refused():
    (found,) = refused(target("revenue_value", "SEK"), rates=(rate("SEK", "2027-01"),))
    assert found.message == "no rate of SEK to plan with."
