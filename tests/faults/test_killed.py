"""A run killed at any instant leaves one whole pack, and the next run ends as if undisturbed.

Thirty instants are drawn with the seed of SOPKIT_FAULT_SEED; SOPKIT_FAULTS=all takes every one.
"""

from __future__ import annotations

import os
import random
import signal
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="copies of processes: Linux alone")
SEED = int(os.environ.get("SOPKIT_FAULT_SEED", "20260113"))
IS_ALL = os.environ.get("SOPKIT_FAULTS") == "all"
KILLS = {"the last step": 26, "every step": 2, "the first run": 2}


@pytest.fixture(params=KILLS)
def disturbed(request, company, published, tools):
    """What is run: workspace to begin with, its state, the state in the end, points on the way."""
    if request.param == "the first run":
        root = company.new()
    else:
        root = company.new(published)
        tools.act(root)
        if request.param == "every step":
            tools.sell(root, 1)
    before = tools.state(root)
    whole = company.new(root)
    points = company.run(whole)["points"]
    return request.param, root, [before, tools.state(whole)], points


def test_a_run_killed_at_any_instant_leaves_a_whole_pack(disturbed, company, tools, fault, capsys):
    what, start, states, points = disturbed
    assert states[0] != states[1] and points > 100
    drawn = random.Random(f"{SEED} {what}")
    chosen = range(1, points + 1) if IS_ALL else drawn.sample(range(1, points + 1), KILLS[what])
    with capsys.disabled():
        sys.stdout.write(f"\n{what}: seed {SEED}, {len(chosen)} of {points} points\n")
    for point in sorted(chosen):
        with fault(f"killed in {what}"):
            root = company.new(start)
            done = company.run(root, fault="kill", at=point)
            assert done["code"] in (-signal.SIGKILL, 0), (point, done)
            tools.look(root, states)
            assert company.run(root)["code"] == 0, point
            tools.look(root, states[1:])
            tools.nothing_left(root, company.base)
            index = (root / "reports/index.html").read_text(encoding="utf-8")
            assert 'href="2026-01/index.html"' in index, point
