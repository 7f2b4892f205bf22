"""Each kind of change in words."""

from __future__ import annotations

import pytest

from sopkit.reconciliation import scenarios, wording


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            {"demand": {"family": "Tents", "quantity": -50.0}},
            "50 units a month less of demand for Tents",
        ),
        (
            {"price": {"rate": 0.04, "elasticity": -1.2}},
            "prices of everything 4% higher, elasticity -1.2",
        ),
        ({"capacity": {"resource": "all", "rate": -0.1}}, "10% fewer hours of everything"),
        ({"lead_time": {"supplier": "Mill", "days": 30}}, "lead time of Mill 30 days longer"),
        ({"cost": {"kind": "unit", "rate": 0.125}}, "unit costs 12.5% higher"),
        ({"service_level": {"level": 0.995}}, "service level of everything at 99.5%"),
        (
            {"currency": {"currency": "SEK", "first_month": "2026-02", "rate": -0.05}},
            "SEK 5% lower from 2026-02 on",
        ),
        (
            {
                "supplier_loss": {
                    "supplier": "Mill",
                    "first_month": "2026-02",
                    "last_month": "2026-02",
                }
            },
            "nothing from Mill in 2026-02",
        ),
        ({"event": {"event": "Fair", "probability_rate": 0}}, "“Fair” does not happen"),
        ({"event": {"event": "Fair", "probability_rate": 0.5}}, "“Fair” with a chance of 50%"),
    ],
)
def test_a_change_in_words(entry, said):
    assert wording.words(scenarios.as_changes([entry])[0]) == said
