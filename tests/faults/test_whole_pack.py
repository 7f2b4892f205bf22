"""The sample company's whole pack, killed again and again, ends as if nobody had.

Three kills drawn with the seed of SOPKIT_FAULT_SEED; SOPKIT_FAULTS=all: thirty, at any step.
"""

from __future__ import annotations

import os
import random
import signal
import sys

import pytest

from sopkit import agenda, store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="copies of processes: Linux alone"),
]
SEED = int(os.environ.get("SOPKIT_FAULT_SEED", "20260113"))
IS_ALL = os.environ.get("SOPKIT_FAULTS") == "all"
_FEWEST = 100  # points of a run of one step, so that a point drawn below it is always reached


@pytest.fixture
def whole_company(tools, tmp_path):
    made = tools.Company(tmp_path, "sample")
    yield made
    made.process.stdin.close()
    made.process.wait()
    made.process.stdout.close()


def test_a_whole_pack_that_was_killed_is_in_the_end_as_if_nobody_had(
    sample_workspace, whole_company, tools, fault, capsys
):
    root, before = whole_company.new(sample_workspace), tools.state(sample_workspace)
    drawn, names = random.Random(SEED), [step.name for step in agenda.STEPS]
    with capsys.disabled():
        sys.stdout.write(f"\nwhole pack: seed {SEED}\n")
    for _ in range(30 if IS_ALL else 3):
        with fault("whole pack killed"):
            words = ["--only", drawn.choice(names if IS_ALL else names[-1:])]
            lacking = {step for step in names if step not in _done(root)}
            words = [] if lacking else words  # the next run resumes
            done = whole_company.run(root, *words, fault="kill", at=drawn.randrange(1, _FEWEST))
            assert done["code"] == -signal.SIGKILL, done
            tools.look(root, [before])
    assert whole_company.run(root)["code"] == 0
    tools.look(root, [before])
    tools.nothing_left(root, whole_company.base)


def _done(root) -> set[str]:
    """Steps that need not be run again."""
    from sopkit import publication

    cycle = store.default_cycle(root, anew=False)
    places = publication.staging(root, cycle), publication.folder(root, cycle)
    records = [publication.run_record(place) for place in places]
    return set(next((record for record in records if record), {}).get("steps", {}))
