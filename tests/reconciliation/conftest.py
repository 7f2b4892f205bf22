"""What scenarios start from, of the small company that has everything they can touch."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import store, what_if

CYCLE = pd.Timestamp("2026-01-01")


@pytest.fixture(scope="session")
def planned(hill) -> dict[str, pd.DataFrame]:
    """What the reconciliation reads."""
    return store.inputs(hill, "reconciliation", CYCLE)


@pytest.fixture(scope="session")
def base(hill, planned) -> dict:
    """What scenarios start from."""
    money = (store.read(hill, name, CYCLE) for name in ("financials", "closed_financials"))
    return what_if.start(planned, *money, cycle=CYCLE)
