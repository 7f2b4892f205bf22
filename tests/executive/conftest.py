"""What the tests of the executive room share."""

from __future__ import annotations

import pandas as pd
import pytest

from sopkit import schema
from sopkit.reconciliation import finance


@pytest.fixture(scope="session")
def sample_rates(sample_history, sample_tables, sample_cycle) -> pd.DataFrame:
    """Table `money_rates` of the sample company, its currencies left as they are."""
    keys = sample_history[schema.SERIES].drop_duplicates().reset_index(drop=True)
    given = (sample_tables[name] for name in ("prices", "items", "sales"))
    return finance.money_rates(keys, *given, cycle=sample_cycle)


@pytest.fixture(scope="session")
def sample_closed(sample_history, sample_rates) -> pd.DataFrame:
    """Closed months of the sample company in units and money."""
    return finance.closed_series(sample_history, sample_rates)
