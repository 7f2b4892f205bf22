"""Each of the corpus' broken workspaces ends in the same totals, or in words that help."""

from __future__ import annotations

import os

import pytest

from tests.campaign import corpus, oracle

# CI tries two hundred and makes the first steps of two; SOPKIT_CAMPAIGN=whole tries and makes all
IS_WHOLE = os.environ.get("SOPKIT_CAMPAIGN") == "whole"
IDS = [f"{case.kind}: {ascii(case.name)[1:60]}" for case in corpus.CASES]
_MANY = ("numbers", "dates")  # of which every second is tried
TRIED = [
    place
    for place, case in enumerate(corpus.CASES)
    if IS_WHOLE or (place % 2 == 0 if case.kind in _MANY else place % 3 > 0)
]
PLANNED = {place for place in TRIED if corpus.CASES[place].total is not None}
PLANNED = PLANNED if IS_WHOLE else {min(PLANNED), max(PLANNED)}


def test_the_corpus_is_two_hundred_workspaces_or_more_each_broken_otherwise():
    files = {(case.kind, repr(sorted(case.files.items()))) for case in corpus.CASES}
    assert len(files) == len(set(IDS)) == len(corpus.CASES)
    assert len(TRIED) >= 200


@pytest.mark.parametrize("place", TRIED, ids=[IDS[place] for place in TRIED])
def test_a_broken_workspace_ends_in_the_same_totals_or_in_words_that_help(place, tmp_path):
    case, root = corpus.CASES[place], tmp_path / "company"
    corpus.lay_out(case, root)
    ending = oracle.check(root)
    said = "\n".join(ending.lines)
    assert oracle.faults(ending) == []
    assert ending.is_refused == (case.total is None), said
    for word in (case.words or ()) + case.told:
        assert word in said, said
    if case.total is not None:
        assert oracle.counted(root) == pytest.approx(case.total, rel=1e-12)
        if place in PLANNED:
            assert oracle.planned(root) == pytest.approx(case.total, rel=1e-9)
