"""Each of the corpus' broken workspaces ends in the same totals, or in words that help."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from functools import cache

import pytest

from tests.campaign import corpus, oracle

# the first three steps cost seconds: one success a class, or SOPKIT_CAMPAIGN=whole
IS_WHOLE = os.environ.get("SOPKIT_CAMPAIGN") == "whole"
IDS = [f"{case.kind}: {ascii(case.name)[1:60]}" for case in corpus.CASES]
ENDINGS: Counter = Counter()


@cache
def _planned_kinds() -> set[int]:
    """Cases whose first three steps are made."""
    read = {n: case.kind for n, case in enumerate(corpus.CASES) if case.total is not None}
    return set(read) if IS_WHOLE else set({kind: n for n, kind in read.items()}.values())


def test_the_corpus_is_two_hundred_workspaces_or_more_each_broken_otherwise():
    files = {(case.kind, repr(sorted(case.files.items()))) for case in corpus.CASES}
    assert len(files) == len(set(IDS)) == len(corpus.CASES) >= 200


@pytest.mark.parametrize("place", range(len(corpus.CASES)), ids=IDS)
def test_a_broken_workspace_ends_in_the_same_totals_or_in_words_that_help(place, tmp_path):
    case, root = corpus.CASES[place], tmp_path / "company"
    corpus.lay_out(case, root)
    ending = oracle.check(root)
    said = "\n".join(ending.lines)
    ENDINGS[case.kind, ending.is_refused] += 1
    assert oracle.faults(ending) == []
    assert ending.is_refused == (case.total is None), said
    for word in (case.words or ()) + case.told:
        assert word in said, said
    if case.total is not None:
        assert oracle.counted(root) == pytest.approx(case.total, rel=1e-12)
        if place in _planned_kinds():
            assert oracle.planned(root) == pytest.approx(case.total, rel=1e-9)
