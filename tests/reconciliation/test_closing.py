"""The best set of levers, beside every set counted out in plain loops."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sopkit.reconciliation.closing import Search

STEPS = 3  # the first missing hours are worth most


def _register(seed: int) -> dict:
    """Up to twelve levers on up to six gaps, with costs, exclusions and limits."""
    rng = np.random.default_rng(seed)
    count, gaps = int(rng.integers(1, 13)), int(rng.integers(1, 7))
    cost = rng.uniform(0.0, 1500.0, count).round(2)
    owner = rng.integers(0, 3, count)
    chances = rng.uniform(0.3, 1.0, count)
    lead, span = rng.integers(0, 5, count), rng.integers(0, gaps, count)
    gap = np.arange(gaps)
    acts = (gap >= lead[:, None]) & (gap <= (lead + span)[:, None])
    pairs = []
    if count > 1:
        pairs = [tuple(rng.choice(count, 2, replace=False)) for _ in range(rng.integers(0, 5))]
    return {
        "missing": rng.uniform(0.0, 100.0, (gaps, STEPS)),
        "worth": -np.sort(-rng.uniform(0.0, 60.0, (gaps, STEPS)), axis=1),
        "effect": rng.uniform(0.0, 40.0, (count, gaps)) * chances[:, None] * acts,
        "cost": cost,
        "uses": np.vstack([cost, rng.integers(0, 9, count), *(owner == own for own in range(3))]),
        "limits": np.array([rng.uniform(0, 1.2) * cost.sum(), rng.integers(0, 30), 2, 3, 1.0]),
        "pairs": pairs,
    }


def _gain(register: dict, chosen) -> float:
    """What a set brings: each gap filled step by step, the dearest hours first."""
    total = 0.0
    for gap, (missing, worth) in enumerate(
        zip(register["missing"], register["worth"], strict=True)
    ):
        left = sum(
            effect[gap] for effect, own in zip(register["effect"], chosen, strict=True) if own
        )
        for hours, value in zip(missing, worth, strict=True):
            used = min(left, hours)
            total, left = total + used * value, left - used
    return total


def _is_allowed(register: dict, chosen) -> bool:
    for uses, limit in zip(register["uses"], register["limits"], strict=True):
        if sum(use for use, own in zip(uses, chosen, strict=True) if own) > limit + 1e-9:
            return False
    return not any(chosen[one] and chosen[other] for one, other in register["pairs"])


def _search(register: dict) -> Search:
    def saved(share: np.ndarray) -> tuple[float, np.ndarray]:
        filled = share @ register["effect"]
        before = np.cumsum(register["missing"], axis=1)
        step = (before <= filled[:, None]).sum(axis=1)
        worth = np.hstack([register["worth"], np.zeros((len(step), 1))])
        slope = register["effect"] @ worth[np.arange(len(step)), step]
        return _gain(register, share > 0.5), slope

    names = ("cost", "uses", "limits", "pairs")
    return Search(saved, *(register[name] for name in names))


def _every_net(register: dict) -> dict:
    sets = itertools.product([False, True], repeat=len(register["cost"]))
    return {
        own: _gain(register, own) - float(register["cost"][list(own)].sum())
        for own in sets
        if _is_allowed(register, own)
    }


@pytest.mark.parametrize("first", range(0, 200, 20))
def test_the_best_set_equals_brute_force_on_random_registers_of_up_to_twelve(first):
    for seed in range(first, first + 20):
        register = _register(seed)
        search, nets = _search(register), _every_net(register)
        best = search.best()
        assert _is_allowed(register, best), seed
        most = max(nets.values())
        assert search.net(best) == pytest.approx(most, rel=1e-6, abs=1e-6 * (1 + most)), seed


@pytest.mark.parametrize("seed", range(8))
def test_the_best_set_with_or_without_a_lever_equals_brute_force(seed):
    register = _register(seed)
    search, nets = _search(register), _every_net(register)
    for lever, is_in in itertools.product(range(len(register["cost"])), [False, True]):
        found = search.best({lever: is_in})
        wanted = [net for own, net in nets.items() if own[lever] == is_in]
        assert (found is None) == (not wanted)
        if wanted:
            assert found[lever] == is_in
            assert search.net(found) == pytest.approx(max(wanted), rel=1e-6, abs=1e-3)


@pytest.mark.parametrize("seed", range(20, 30))
def test_a_limit_that_is_dropped_or_loosened_never_costs(seed):
    register = _register(seed)
    held = _search(register)
    looser = _search(register | {"limits": register["limits"] * 1.5})
    nothing_held = held.best(without=np.ones(len(register["limits"]), dtype=bool))
    net = held.net(held.best())
    assert looser.net(looser.best()) >= net - 1e-6
    assert held.net(nothing_held) >= net - 1e-6
    free = _search(register | {"limits": register["limits"] + 1e9})
    assert held.net(nothing_held) == pytest.approx(free.net(free.best()), abs=1e-3)


def test_few_sets_are_asked():
    asked = []
    for seed in range(40):
        register = _register(seed)
        search = _search(register)
        inner, count = search.saved, [0]

        def counted(share, inner=inner, count=count):
            count[0] += 1
            return inner(share)

        search.saved = counted
        search.best()
        asked.append(count[0])
    assert np.mean(asked) < 10 and max(asked) < 60  # of 4,096


def test_a_lever_that_adds_nothing_is_left_out():
    def saved(share):
        return 10.0 * min(share.sum(), 1.0), np.full(3, 10.0 if share.sum() < 1 else 0.0)

    search = Search(saved, np.array([0.0, 0.0, 0.0]))
    assert search.best().sum() == 1


def test_a_limit_may_be_used_up_to_the_last_cent():
    def saved(share):
        return float(share @ [30.0, 20.0, 20.0]), np.array([30.0, 20.0, 20.0])

    cost = np.array([10.0, 5.0, 5.0])
    search = Search(saved, cost, cost[None, :], np.array([10.0]))
    assert search.best().tolist() == [False, True, True]
    assert search.net(search.best({0: True})) == 20.0
    assert search.best({0: True, 1: True}) is None


def test_a_limit_is_not_passed_by_a_hair():
    def saved(share):
        return float(share @ [30.0, 20.0]), np.array([30.0, 20.0])

    cost = np.array([10.0 + 1e-6, 5.0])
    search = Search(saved, cost, cost[None, :], np.array([10.0]))
    assert search.best().tolist() == [False, True]
    assert search.cheapest(25.0) is None


@pytest.mark.parametrize("seed", range(24))
def test_the_cheapest_set_that_brings_enough_equals_brute_force(seed):
    register = _register(seed)
    search = _search(register)
    sets = itertools.product([False, True], repeat=len(register["cost"]))
    allowed = {own: _gain(register, own) for own in sets if _is_allowed(register, own)}
    for share in (0.2, 0.6, 0.999, 1.01):
        needed = share * max(allowed.values())
        found = search.cheapest(needed)
        costs = [
            register["cost"][list(own)].sum() for own, gain in allowed.items() if gain >= needed
        ]
        if share > 1.0:
            assert found is None or max(allowed.values()) == 0.0
        else:
            assert _is_allowed(register, found)
            assert search.gain(found) >= needed - 1e-6 * search.gain(np.ones(len(found)))
            assert register["cost"] @ found <= min(costs) + 1e-6 * (1 + min(costs))
