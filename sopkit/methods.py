"""Ways to forecast that people may choose, by name, and the parameters of each, as text.

``demand.models`` and ``demand.single_models`` hold what runs; here is what may be asked of them.
"""

from __future__ import annotations

import ast
import re

from sopkit import contract

COMBINED = "combined"  # takes a choice back
SINGLE = {"ets": "ETS", "sarimax": "SARIMAX"}  # of statsmodels: each series by itself
MOST_SINGLE = 60  # series a cycle that these may forecast: each takes seconds
_TRENDED = ("alpha", "beta", "phi", "gamma")
METHODS = {  # name: parameters that may be held
    COMBINED: (),
    "seasonal_naive": (),
    "simple_smoothing": ("alpha",),
    "drifting_level": ("alpha",),
    "holt": _TRENDED,
    "damped_trend": _TRENDED,
    "damped_drift": _TRENDED,
    "holt_winters_additive": _TRENDED,
    "holt_winters": _TRENDED,
    "theta": ("alpha",),
    "theta_root": ("alpha",),
    "theta_log": ("alpha",),
    "dynamic_theta": ("alpha", "gamma"),
    "dynamic_theta_root": ("alpha", "gamma"),
    "dynamic_theta_log": ("alpha", "gamma"),
    "seasonal_regression": (),
    "croston": (),
    "sba": (),
    "tsb": (),
    "ets": ("form", *_TRENDED),
    "sarimax": ("order", "seasonal_order"),
}
FORMS = [error + trend + season for error in "AM" for trend in ("N", "A", "Ad") for season in "NAM"]
FORMS = [form for form in FORMS if not (form[0] == "A" and form[-1] == "M")]  # not stable
_HIGHEST_ORDER = 3


def parsed(text: object) -> dict:
    """Parameters as people write them: names and figures, parts divided by semicolons.

    Raises
    ------
    ValueError
        If a part is not a name and what it is held at.

    Examples
    --------
    >>> parsed("alpha=0.2; gamma=0.1")
    {'alpha': 0.2, 'gamma': 0.1}
    >>> parsed("form=AAdA"), parsed("order=(0,1,1)"), parsed("")
    ({'form': 'AAdA'}, {'order': (0, 1, 1)}, {})
    """
    found = {}
    for part in str(text).split(";") if isinstance(text, str) else ():
        name, mark, value = (word.strip() for word in part.partition("="))
        if not (name or mark):
            continue
        try:
            found[name] = value if name == "form" else ast.literal_eval(value)
        except (ValueError, SyntaxError):
            mark = ""
        if not (name and mark and value):
            raise ValueError(f"{part.strip()!r} is not a name = figure, as alpha=0.2.")
    return found


def written(parameters: dict) -> str:
    """Parameters as text that ``parsed`` reads.

    Examples
    --------
    >>> written({"alpha": 0.2, "order": (0, 1, 1)})
    'alpha=0.2; order=(0,1,1)'
    """
    return "; ".join(f"{name}={value}".replace(", ", ",") for name, value in parameters.items())


def objection(model: object, text: object = "") -> str:
    """Why a model cannot be chosen with these parameters, with the way out; empty where it can.

    Parameters
    ----------
    model : str
        Name of a model.
    text : str
        Its parameters, as for ``parsed``.

    Examples
    --------
    >>> objection("theta", "alpha=0.2")
    ''
    >>> objection("thetta")
    "no model 'thetta'. Did you mean 'theta'?"
    >>> objection("theta", "beta=0.1")
    "theta has no parameter 'beta'. Choose alpha."
    """
    if model not in METHODS:
        return f"no model {str(model)!r}. {contract.nearest(str(model), list(METHODS))}"
    try:
        parameters = parsed(text)
    except ValueError as error:
        return str(error)
    for name, value in parameters.items():
        if why := _wrong(model, name, value):
            return why
    beta, gamma = (parameters.get(name, 0.0) for name in ("beta", "gamma"))
    alpha = parameters.get("alpha", beta)
    if beta > alpha:
        return f"beta is {beta:g} and alpha {alpha:g}: beta is never above alpha. Lower it."
    if alpha + gamma > 1.0:
        return f"alpha or beta is {alpha:g}, gamma {gamma:g}: at most 1 together. Lower one."
    return ""


def _wrong(model: str, name: str, value: object) -> str:
    """Why a parameter cannot be held at a value."""
    known = METHODS[model]
    if name not in known:
        hint = f"Choose {contract.some(list(known), len(known))}." if known else "It takes none."
        return f"{model} has no parameter {name!r}. {hint}"
    if name == "form":
        return "" if value in FORMS else f"ETS has no form {value!r}. Choose {', '.join(FORMS)}."
    if name in ("order", "seasonal_order"):
        is_good = isinstance(value, tuple) and len(value) == 3
        is_good = is_good and all(type(n) is int and 0 <= n <= _HIGHEST_ORDER for n in value)
        return "" if is_good else f"{name} is {value!r}. Give three counts from 0 to 3, as (0,1,1)."
    is_share = type(value) in (int, float) and 0.0 <= value <= 1.0
    return "" if is_share else f"{name} is {value!r}. It lies between 0 and 1."


def words(parameters: str) -> str:
    """Parameters as a table shows them.

    Examples
    --------
    >>> words("alpha=0.2;gamma=0.1"), words("")
    ('alpha 0.2, gamma 0.1', 'estimated')
    """
    return re.sub(r"\s*;\s*", ", ", parameters.strip()).replace("=", " ") or "estimated"
