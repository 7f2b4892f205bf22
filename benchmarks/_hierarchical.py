"""The peer of ``coherence``: hierarchicalforecast's MinTraceSparse, by the peers' own python."""

from __future__ import annotations

import sys
import time

import numpy as np
from hierarchicalforecast.methods import MinTraceSparse
from scipy import sparse


def main(given: str, answer: str) -> None:
    """Seconds and coherent amounts of forecasts that stand in a file, non-negative."""
    task = np.load(given)
    above, base = task["matrix"], task["base"]
    matrix = sparse.csr_matrix((task["data"], task["indices"], task["indptr"]), shape=above)
    begun = time.perf_counter()
    way = MinTraceSparse(method="wls_struct", nonnegative=True)
    found = way.fit_predict(S=matrix, y_hat=base)
    seconds = time.perf_counter() - begun
    np.savez(answer, seconds=seconds, amounts=found["mean"])


if __name__ == "__main__":
    main(*sys.argv[1:])
