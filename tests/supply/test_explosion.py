"""Time-phased requirements: by hand, and beside a slow recursive version, AdventureWorks' too."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sopkit import contract, months
from sopkit.supply import explosion

CYCLE = pd.Timestamp("2026-01-01")
SPAN = months.span(CYCLE, 6)
KEY = ["item", "location", "month"]


def rows(**amounts: list[float]) -> pd.DataFrame:
    """Units of items at the plant, month by month from the cycle on; zeros left out."""
    told = [
        (item, "plant", SPAN[t], float(amount))
        for item, course in amounts.items()
        for t, amount in enumerate(course)
        if amount
    ]
    return pd.DataFrame(told, columns=[*KEY, "quantity"]).astype({"quantity": "float64"})


def bill(*links: tuple) -> pd.DataFrame:
    """Parts lists: item, component, quantity (1), months before (0)."""
    columns = ["item", "component", "quantity_per", "offset_months"]
    full = [(*link, *(1.0, 0)[len(link) - 2 :])[:4] for link in links]
    return pd.DataFrame(full, columns=columns).astype({"item": "str", "component": "str"})


def exploded(made, bills, *, bought=(), lead=None, stock=None, receipts=None, span=SPAN):
    names = sorted({*bills["item"], *bills["component"], *made["item"], *bought})
    items = pd.DataFrame({"item": names, "is_purchased": [name in bought for name in names]})
    index = pd.MultiIndex.from_tuples([(n, "plant") for n in stock or {}], names=KEY[:2])
    made = made.assign(**{n: 0.0 for n in ("in_work", "purchased") if n not in made})
    return explosion.explode(
        made,
        bills,
        items,
        lead_months=pd.Series(lead or {}, dtype="float64"),
        stock=pd.Series(list((stock or {}).values()), index=index, dtype="float64"),
        receipts=rows() if receipts is None else receipts,
        span=span,
    )


def course(found: explosion.Exploded, item: str, what: str) -> list[float]:
    return getattr(found, what)[found.keys["item"] == item][0].tolist()


def test_two_levels_with_stock_receipts_offset_and_lead_time():
    # a tent takes two poles in the month before, a pole half a tube; poles take a month to make
    bills = bill(("tent", "pole", 2.0, 1), ("pole", "tube", 0.5))
    made = rows(tent=[0, 0, 10, 20, 20])
    found = exploded(
        made,
        bills,
        bought=["tube"],
        lead={"pole": 1},
        stock={"pole": 15},
        receipts=rows(pole=[0, 0, 8]),
    )
    assert course(found, "pole", "gross") == [0, 20, 40, 40, 0, 0]
    assert course(found, "pole", "net") == [0, 5, 32, 40, 0, 0]
    assert course(found, "pole", "planned") == [0, 5, 32, 40, 0, 0]
    assert course(found, "tube", "gross") == [2.5, 16, 20, 0, 0, 0]
    assert found.keys.set_index("item")["is_bought"].to_dict() == {
        "pole": False,
        "tent": False,
        "tube": True,
    }


def test_what_would_be_needed_before_the_cycle_is_needed_in_it_but_work_begun_has_taken_its_own():
    made = rows(tent=[10, 20]).assign(in_work=[7.0, 5.0])
    found = exploded(made, bill(("tent", "pole", 1.0, 1)), bought=["pole"])
    assert course(found, "pole", "gross") == [10 + 20 + 5, 0, 0, 0, 0, 0]


def test_a_made_part_comes_after_its_lead_time_and_its_parts_are_needed_at_once():
    bills = bill(("tent", "pole"), ("pole", "tube"))
    found = exploded(rows(tent=[4, 0, 6]), bills, bought=["tube"], lead={"pole": 2})
    assert course(found, "pole", "net") == [4, 0, 6, 0, 0, 0]
    assert course(found, "pole", "planned") == [0, 0, 10, 0, 0, 0]
    assert course(found, "tube", "gross") == [10, 0, 0, 0, 0, 0]


def test_what_a_plan_orders_whole_is_a_requirement_that_stock_does_not_lessen():
    made = rows(lamp=[0, 5]).assign(quantity=0.0, purchased=5.0)
    found = exploded(made, bill(), bought=["lamp"], stock={"lamp": 100})
    assert course(found, "lamp", "net") == [0, 5, 0, 0, 0, 0]


def test_a_part_is_bought_where_it_is_flagged_or_nothing_says_how_it_is_made():
    items = pd.DataFrame({"item": ["A", "B", "C"], "is_purchased": [True, False, None]})
    parts = pd.Series(["A", "B", "C", "D", "E"])
    found = explosion.is_bought(parts, items, bill(("E", "D")))
    assert found.tolist() == [True, False, True, True, False]


def test_components_of_what_is_bought_whole_count_for_nothing():
    components = contract.check_table(
        "components",
        pd.DataFrame({"item": ["A", "B"], "component": ["C", "C"]}),
        contract.Source("components"),
    ).frame
    items = pd.DataFrame({"item": ["A", "B"], "is_purchased": [True, None]})
    found = explosion.bill(components, items)
    assert found.values.tolist() == [["B", "C", 1.0, 0]]


def test_nothing_to_make_gives_empty_requirements():
    found = exploded(rows(), bill(("A", "B")))
    assert found.gross.shape == (0, len(SPAN)) and list(found.keys)[-1] == "is_bought"


def slow(made, bills, *, bought, lead, stock, receipts, span):
    """Gross requirements item by item, each asking its parents: the same by recursion."""
    count = len(span)
    parents: dict[str, list] = {}
    for link in bills.itertuples():
        parents.setdefault(link.component, []).append(link)
    own: dict[str, list[float]] = {}
    for row in made.itertuples():
        own.setdefault(row.item, [0.0] * count)[span.get_loc(row.month)] += row.quantity
    due: dict[str, list[float]] = {}
    for row in receipts.itertuples():
        due.setdefault(row.item, [0.0] * count)[span.get_loc(row.month)] += row.quantity

    @functools.cache
    def gross(item: str) -> tuple:
        total = [0.0] * count
        for link in parents.get(item, []):
            if link.item in bought:
                continue
            for amounts, wait in (
                (own.get(link.item, [0.0] * count), link.offset_months),
                (planned(link.item), max(link.offset_months, int(lead.get(link.item, 0)))),
            ):
                for t, amount in enumerate(amounts):
                    total[max(t - wait, 0)] += amount * link.quantity_per
        return tuple(total)

    @functools.cache
    def planned(item: str) -> tuple:
        left, result = stock.get(item, 0.0), [0.0] * count
        for t, wanted in enumerate(gross(item)):
            left += due.get(item, [0.0] * count)[t] - wanted
            if left < 0:
                at = max(t, int(lead.get(item, 0)))
                if at < count:
                    result[at] += -left
                left = 0.0
        return tuple(result)

    return gross


@st.composite
def problems(draw):
    names = [f"i{k}" for k in range(draw(st.integers(2, 7)))]
    links = draw(
        st.sets(
            st.tuples(st.integers(0, len(names) - 1), st.integers(0, len(names) - 1)).filter(
                lambda pair: pair[0] < pair[1]
            ),
            min_size=1,
        )
    )
    sizes, waits = st.sampled_from([0.5, 1.0, 2.0, 3.0]), st.integers(0, 2)
    bills = bill(*((names[a], names[b], draw(sizes), draw(waits)) for a, b in sorted(links)))
    amounts = st.lists(st.integers(0, 9), min_size=6, max_size=6)
    made = rows(**{name: draw(amounts) for name in names[:2]})
    receipts = rows(**{name: draw(amounts) for name in names[2:]})
    stock = {name: draw(st.integers(0, 20)) for name in names}
    lead = {name: draw(st.integers(0, 3)) for name in names}
    return made, bills, {"stock": stock, "receipts": receipts, "lead": lead}


@given(problems())
def test_the_explosion_equals_a_slow_recursion(problem):
    made, bills, rest = problem
    bought = {*bills["component"]} - {*bills["item"]}
    found = exploded(made, bills, bought=bought, **rest)
    gross = slow(made, bills, bought=bought, span=SPAN, **rest)
    for item, amounts in zip(found.keys["item"], found.gross, strict=True):
        assert amounts == pytest.approx(gross(item), abs=1e-9)


@given(problems())
def test_what_can_be_spared_never_takes_stock_below_its_safety_stock(problem):
    closing = problem[0].assign(closing=problem[0]["quantity"], safety_stock=4.0)
    free = explosion.spare(closing)
    both = closing.merge(free, on=KEY, how="left", validate="one_to_one", suffixes=("", "_new"))
    taken = both.groupby("item")["quantity_new"].cumsum()
    is_above = both["closing"] >= 4.0
    assert (both["closing"] - taken >= 4.0 - 1e-9)[is_above].all()
    assert (taken[~is_above].abs() < 1e-9).all()


def test_the_explosion_of_adventureworks_whole_bill_of_material_equals_a_slow_recursion(needs):
    table = pd.read_csv(needs("shared/data/adventureworks/sop/bom.csv"))
    assert len(table) == 2_679
    table = table.dropna(subset=["Assembly"])
    links = table.groupby(["Assembly", "Component"])["PerAssemblyQty"].sum().reset_index()
    bills = bill(*links.itertuples(index=False, name=None))
    span = months.span(CYCLE, 18)
    tops = sorted({*bills["item"]} - {*bills["component"]})
    generator = np.random.default_rng(0)
    keys = pd.MultiIndex.from_product([tops, ["plant"], span], names=KEY).to_frame(index=False)
    made = keys.assign(quantity=generator.integers(0, 50, len(keys)).astype("float64"))
    bought = {*bills["component"]} - {*bills["item"]}
    parts = sorted({*bills["component"]})
    stock = dict(zip(parts, generator.integers(0, 500, len(parts)).astype("float64"), strict=True))
    lead = {
        item: int(k) for item, k in zip(parts, generator.integers(0, 3, len(parts)), strict=True)
    }
    rest = {"bought": bought, "lead": lead, "stock": stock, "span": span}
    found = exploded(made, bills, **rest)
    gross = slow(made, bills, receipts=rows(), **rest)
    assert len(found.keys) > 250
    for item, amounts in zip(found.keys["item"], found.gross, strict=True):
        assert amounts == pytest.approx(gross(item), rel=1e-9, abs=1e-6)
