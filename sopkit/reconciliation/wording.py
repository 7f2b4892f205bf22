"""Changes of a scenario in words, as sentences and tables tell them."""

from __future__ import annotations

from sopkit import months, schema


def words(change: dict) -> str:
    """One change in words.

    Examples
    --------
    >>> words({"what": "demand", "family": "Tents", "rate": -0.2})
    '20% less demand for Tents'
    >>> words({"what": "capacity", "resource": "sewing", "hours": 2400.0})
    '2,400 hours a month more of sewing'
    """
    named = [change[n] for n in (*schema.LEVELS, "resource", "supplier") if n in change]
    subject = ", ".join(name for name in named if name != schema.ALL) or "everything"
    return _WORDS[change["what"]](change, subject) + _span(change)


def _side(change: dict, less: str, more: str) -> str:
    return less if change["rate"] < 0 else more


def _size(change: dict) -> str:
    return f"{abs(change['rate']) * 100:.3g}%"


def _demand_words(change: dict, subject: str) -> str:
    if "rate" in change:
        return f"{_size(change)} {_side(change, 'less', 'more')} demand for {subject}"
    return f"{_more(change['quantity'], 'units')} of demand for {subject}"


def _price_words(change: dict, subject: str) -> str:
    said = f"prices of {subject} {_size(change)} {_side(change, 'lower', 'higher')}"
    return said + (f", elasticity {change['elasticity']:g}" if change.get("elasticity") else "")


def _capacity_words(change: dict, subject: str) -> str:
    if "rate" in change:
        return f"{_size(change)} {_side(change, 'fewer', 'more')} hours of {subject}"
    parts = (("hours", "hours"), ("overtime_hours", "hours of overtime"))
    said = " and ".join(_more(change[name], unit) for name, unit in parts if name in change)
    return f"{said} of {subject}"


def _cost_words(change: dict, subject: str) -> str:
    said = f"{change['kind']} costs {_size(change)} {_side(change, 'lower', 'higher')}"
    return said + (f" for {subject}" if subject != "everything" else "")


def _lead_time_words(change: dict, subject: str) -> str:
    if "rate" in change:
        side = _side(change, "shorter", "longer")
        return f"lead time of {subject} {_size(change)} {side}"
    side = "shorter" if change["days"] < 0 else "longer"
    return f"lead time of {subject} {abs(change['days']):g} days {side}"


def _event_words(change: dict, subject: str) -> str:
    if change.get("probability_rate") == 0:
        return f"“{change['event']}” does not happen"
    said = [f"demand {change['expected_rate'] * 100:+.3g}%"] if "expected_rate" in change else []
    if "probability_rate" in change:
        said.append(f"a chance of {change['probability_rate'] * 100:.3g}%")
    return f"“{change['event']}” with {' and '.join(said) or 'other terms'}"


_WORDS = {
    "demand": _demand_words,
    "event": _event_words,
    "price": _price_words,
    "capacity": _capacity_words,
    "cost": _cost_words,
    "lead_time": _lead_time_words,
    "supplier_loss": lambda change, subject: f"nothing from {subject}",
    "service_level": lambda change, subject: (
        f"service level of {subject} at {change['level'] * 100:.3g}%"
    ),
    "currency": lambda change, subject: (
        f"{change['currency']} {_size(change)} {_side(change, 'lower', 'higher')}"
    ),
}


def _more(amount: float, unit: str) -> str:
    return f"{abs(amount):,.0f} {unit} a month {'less' if amount < 0 else 'more'}"


def _span(change: dict) -> str:
    first, last = (change.get(name) for name in ("first_month", "last_month"))
    first, last = (months.label(month) if month is not None else "" for month in (first, last))
    if first and last:
        return f" in {first}" if first == last else f" in {first} to {last}"
    return f" from {first} on" if first else f" until {last}" if last else ""
