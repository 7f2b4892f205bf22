"""What production takes of materials, in the arrays of a task.

A material is bought, or made here of other materials (a part); units of it are issued to production
some months before what is made of it is due. ``exploded`` follows needs down the bill of materials.
"""

from __future__ import annotations

import numpy as np

from sopkit.supply.tasks import Task


def new(task: Task, made: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Units (t, m) that new production of routes (t, p) and of parts (t, m) takes."""
    own = _taken(made, task.material_per, task.material_offset)
    return own + _taken(parts, task.part_per, task.part_offset)


def firm(task: Task) -> np.ndarray:
    """Units (t, m) that firm production takes, of parts that it needs beyond stock too."""
    return exploded(task, _firm(task), np.cumsum(task.material_inflow, axis=0))[0]


def free(task: Task) -> np.ndarray:
    """Units (t, m) that come and that firm production leaves, infinite where nothing limits.

    They add up to no less than zero in any month: what is firm is made.
    """
    need, parts = exploded(task, _firm(task), np.cumsum(task.material_inflow, axis=0))
    change = np.where(task.is_scarce, task.material_inflow, 0.0) + parts - need
    there = np.cumsum(change, axis=0)
    short = np.maximum.accumulate(np.maximum(-there, 0.0), axis=0)
    return np.where(task.is_scarce, np.diff(there + short, axis=0, prepend=0.0), np.inf)


def _firm(task: Task) -> np.ndarray:
    """Units (t, m) that firm production takes directly; what is due earlier is issued already."""
    count = len(task.keys)
    per, offset = task.material_per[:count], task.material_offset[:count]
    return _taken(task.in_work, per, offset, is_issued=True)


def _taken(made: np.ndarray, per: np.ndarray, offset: np.ndarray, *, is_issued: bool = False):
    """Units taken ``offset`` months before; before the first month: in it, or issued already."""
    use = np.zeros((len(made), per.shape[1]))
    for months in np.unique(offset[per > 0]):
        own = made @ np.where(offset == months, per, 0.0)
        use[: max(len(made) - months, 0)] += own[months:]
        if not is_issued:
            use[0] += own[:months].sum(axis=0)
    return use


def is_part(task: Task) -> np.ndarray:
    """Materials that are made here of others and not sold, (m,)."""
    return task.part_per.any(axis=1) & (task.material_item < 0)


def order(task: Task) -> np.ndarray:
    """Positions of the parts, each before those that go into it.

    Raises
    ------
    ValueError
        If a part goes into itself.
    """
    open_, found = is_part(task), []
    takes = (task.part_per > 0) & open_[:, None]
    while open_.any():
        first = open_ & ~takes[open_].any(axis=0)
        if not first.any():
            names = ", ".join(task.materials["item"][open_])
            raise ValueError(f"components run in a circle among {names}; take one link out.")
        found.extend(np.flatnonzero(first))
        open_ = open_ & ~first
    return np.array(found, dtype="int64")


def exploded(task: Task, need: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Needs down the bill of materials: parts are made of what stock lacks, as late as can be.

    Parameters
    ----------
    task : Task
        The problem.
    need : array (t, m)
        Units needed directly, by month.
    there : array (t, m)
        Units that come until each month end, without new parts.

    Returns
    -------
    need, parts : array (t, m)
        Units needed in all, and made of parts; none within a part's lead time.

    Examples
    --------
    Ten frames are needed; four are there, the others take two tubes each a month before:

    >>> import pandas as pd
    >>> task = Task(demand=[0, 10], materials=pd.DataFrame({"item": ["frame", "tube"],
    ...     "location": "plant"}), material_per=[[1.0, 0.0]], part_per=[[0, 2.0], [0, 0]],
    ...     part_offset=[[0, 1], [0, 0]])
    >>> need, parts = exploded(task, np.array([[0.0, 0], [10, 0]]), np.array([[4.0, 0], [4, 0]]))
    >>> need.tolist(), parts.tolist()
    ([[0.0, 12.0], [10.0, 0.0]], [[0.0, 0.0], [6.0, 0.0]])
    """
    need, parts = need.copy(), np.zeros_like(need)
    for k in order(task):  # each part's needs are whole before its own materials'
        lacking = np.maximum(np.cumsum(need[:, k]) - there[:, k], 0.0)
        parts[:, k] = np.diff(np.maximum.accumulate(lacking), prepend=0.0)
        parts[: task.part_lead[k], k] = 0.0
        into = np.flatnonzero(task.part_per[k])
        per, offset = task.part_per[k, into][None], task.part_offset[k, into][None]
        need[:, into] += _taken(parts[:, [k]], per, offset)
    return need, parts


def shares(task: Task, need: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The share (m,) of direct needs that each material and what goes into it allow.

    Parameters as for ``exploded``. If each need is met in no more than the share of its material,
    nothing is taken that is not there.
    """
    need, parts = exploded(task, need, there)
    total, made = np.cumsum(need, axis=0), np.cumsum(parts, axis=0)

    def share(k, made) -> np.ndarray:
        can = (there[:, k] + made) / np.where(total[:, k] > 1e-12, total[:, k], 1.0)
        return np.where(total[:, k] > 1e-12, np.maximum(can, 0.0), 1.0).min(axis=0).clip(max=1.0)

    found = share(slice(None), 0.0)
    for k in order(task)[::-1]:
        found[k] = share(k, made[:, k] * found[task.part_per[k] > 0].min())
    return found


def parts(task: Task, made: np.ndarray) -> np.ndarray:
    """Units (t, m) of parts that new production (t, p) needs beyond stock, as late as can be."""
    need = _taken(made, task.material_per, task.material_offset)
    return exploded(task, need, np.cumsum(free(task), axis=0))[1]


def of_items(task: Task, use: np.ndarray) -> np.ndarray:
    """Units (t, i) of items that are sold too, of what is taken of materials (t, m)."""
    found, linked = np.zeros_like(task.demand), np.flatnonzero(task.material_item >= 0)
    np.add.at(found, (slice(None), task.material_item[linked]), use[:, linked])
    return found


def depth(task: Task) -> np.ndarray:
    """How deep each item stands in its bill of materials, (i,), counted in items sold too.

    Raises
    ------
    ValueError
        If an item goes into itself.
    """
    takes = task.material_per > 0
    for part in order(task):  # what goes into parts goes into what is made of them
        takes = takes | (takes[:, [part]] & (task.part_per[part] > 0))
    linked = np.flatnonzero(task.material_item >= 0)
    route, place = np.nonzero(takes[:, linked])
    above, below = task.route_item[route], task.material_item[linked[place]]
    depth = np.zeros(len(task.keys), dtype="int64")
    for _ in range(len(depth) + 1):
        deeper = depth.copy()
        np.maximum.at(deeper, below, depth[above] + 1)
        if (deeper == depth).all():
            return depth
        depth = deeper
    raise ValueError("components run in a circle: an item goes into itself; take one link out.")
