"""Nodes of crossed and nested levels, and the matrix that adds them up."""

import json

import numpy as np
import pandas as pd

from sopkit.demand import coherence, summing


def test_summing_matrix_of_hts_is_reproduced(needs):
    case = json.loads(needs("shared/cases/hts_summing_matrix.json").read_text())
    groups = np.array(case["published"]["gmatrix"])
    keys = pd.DataFrame({f"level_{k}": row for k, row in enumerate(groups)}).astype("str")
    levels = [(), ("level_1",), ("level_2",)]
    made = summing.summing(keys.rename(columns={"level_3": "item"}), levels)
    expected = np.array(case["verified"]["S"])
    assert made.matrix.toarray().tolist() == expected.tolist()
    assert len(made.nodes) == case["published"]["n_series"]
    weights = 1.0 / coherence.structural(made).variance
    np.testing.assert_allclose(weights, case["verified"]["inverse_row_sums"], atol=1e-12)


def test_nodes_of_crossed_levels_add_up_what_pandas_groups():
    rng = np.random.default_rng(1)
    keys = pd.DataFrame(
        {
            "item": [f"i{k}" for k in range(40)],
            "family": rng.choice(["T", "S", "unassigned"], 40),
            "region": rng.choice(["N", "S"], 40),
        }
    )
    amounts = rng.gamma(1.0, 5.0, 40)
    made = summing.summing(keys, [("family", "region"), ("region",)])
    nodes = made.nodes.assign(amount=made.matrix @ amounts)
    grouped = keys.assign(amount=amounts).groupby(["family", "region"])["amount"].sum()
    own = nodes[nodes["level"] == "family × region"].set_index("member")["amount"]
    assert own.to_dict() == {f"{a} × {b}": v for (a, b), v in grouped.items()}
    assert nodes[nodes["level"] == "series"]["amount"].tolist() == amounts.tolist()


def test_levels_that_group_alike_stand_once():
    keys = pd.DataFrame({"item": list("ABCD"), "family": list("TTSS"), "location": "all"})
    keys = keys.assign(category=["X", "X", "Y", "Y"])
    levels = [(), ("category",), ("family",), ("location",), ("item",), ("family", "location")]
    assert summing.distinct(keys, levels) == [(), ("category",)]


def test_one_series_has_no_level_above_it():
    keys = pd.DataFrame({"item": ["A"], "location": ["all"], "channel": ["all"]})
    assert summing.distinct(keys, [(), ("item",)]) == []
    assert summing.summing(keys, []).above.shape == (0, 1)
