"""Every table sopkit reads or writes: name, key, columns, units, and when a row is known.

The words here are the planner's (house §3) and fixed, so no function takes column names as
parameters. Units stand in the names: none = the item's own unit, ``_value`` = reporting currency,
``_hours``, ``_days``, ``_months``, ``_rate`` and ``_share`` between 0 and 1, ``is_`` true or false.
"""

from __future__ import annotations

from dataclasses import dataclass

SERIES = ["item", "location", "channel"]
SERIES_MONTH = [*SERIES, "month"]
SITE = ["item", "location"]
SITE_MONTH = [*SITE, "month"]
LEVELS = ["item", "family", "category", "location", "region", "channel", "segment"]
ALL = "all"
UNASSIGNED = "unassigned"
COMPANY_LABEL = "Company"


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is text, month, date, number or flag."""

    name: str
    kind: str
    meaning: str
    is_required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """One table; ``known`` says when a row is known (house §4): measured, snapshot, dated, standing."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    known: str
    meaning: str
    one_of: tuple[str, ...] = ()  # at least one of these columns must be there
    group: str = ""

    @property
    def column_names(self) -> list[str]:
        """Names of all columns, in order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def _text(name: str, meaning: str, need: bool = False, choices: tuple[str, ...] = ()) -> Column:
    return Column(name, "text", meaning, need, choices=choices)


def _month(name: str, meaning: str, need: bool = False) -> Column:
    return Column(name, "month", meaning, need)


def _number(
    name: str, meaning: str, need: bool = False, low: float | None = 0.0, high: float | None = None
) -> Column:
    return Column(name, "number", meaning, need, low, high)


def _flag(name: str, meaning: str) -> Column:
    return Column(name, "flag", meaning)


_ITEM = _text("item", "stock-keeping unit or service", True)
_LOCATION = _text("location", "market or region; `all` where left out")
_SITE = _text("location", "site that makes or stocks; `all` where left out")
_CHANNEL = _text("channel", "sales channel or customer group; `all` where left out")
_MONTH = _month("month", "month, its first day", True)
_CYCLE = _month("cycle", "month in which the plan is made", True)
_LEVEL_COLUMNS = tuple(_text(level, f"{level}; blank or `all` means every one") for level in LEVELS)
_AUTHOR = _text("author", "who entered it")
_ENTERED = Column("entered_at", "date", "when it was entered")

RAW: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "sales",
            ("item", "location", "channel", "month"),
            (
                _ITEM,
                _LOCATION,
                _CHANNEL,
                _month("month", "month of the sale (or give `date`)"),
                Column("date", "date", "day of the sale, summed into months (or give `month`)"),
                _number("quantity", "units sold, negative for returns and credits", True, None),
                _number("revenue_value", "net revenue", low=None),
                _number("ordered_quantity", "units the customers ordered", low=None),
                _number("on_time_quantity", "units delivered on time", low=None),
                _flag("is_stockout", "stock ran out in the month"),
                _flag("is_promotion", "a promotion ran in the month"),
            ),
            "measured",
            "What was sold: forecast, accuracy, service",
            one_of=("month", "date"),
            group="Demand",
        ),
        Table(
            "items",
            ("item",),
            (
                _ITEM,
                _text("description", "name people read"),
                _text("family", "level at which volume is decided"),
                _text("category", "level above family"),
                _text("unit", "unit of measure"),
                _number("planning_factor", "units of the common planning unit in one unit"),
                _number("unit_cost_value", "cost a unit"),
                _number("unit_price_value", "price a unit where `prices` has none"),
                _month("launch_month", "first month of sale"),
                _month("end_month", "last month of sale"),
                _number("lot_size", "units a lot"),
                _number("lead_time_days", "days from order to stock"),
                _number("shelf_life_months", "months it keeps"),
                _flag("is_service", "a service: holds no stock"),
                _flag("is_purchased", "bought, not made"),
                _flag("is_made_to_order", "made to order: backlog instead of stock"),
            ),
            "standing",
            "What is sold: families, money, lifecycle",
            group="Demand",
        ),
        Table(
            "locations",
            ("location",),
            (
                _text("location", "market, region or site", True),
                _text("region", "level above location"),
                _text("supplied_from", "site that supplies this market"),
                _text("currency", "currency of its money"),
                _number("storage_limit", "units it can hold"),
            ),
            "standing",
            "Where: regions and sites",
            group="Demand",
        ),
        Table(
            "channels",
            ("channel",),
            (
                _text("channel", "sales channel or customer group", True),
                _text("segment", "level above channel"),
                _number("priority", "1 is served first"),
                _number("contract_rate", "share of demand under contract", high=1.0),
                _number("payment_days", "days until it pays"),
            ),
            "standing",
            "To whom: segments and priorities",
            group="Demand",
        ),
        Table(
            "prices",
            ("item", "location", "channel", "first_month"),
            (
                _ITEM,
                _LOCATION,
                _CHANNEL,
                _month("first_month", "first month the price holds", True),
                _number("unit_price_value", "net price a unit", True),
                _number("unit_cost_value", "cost a unit"),
            ),
            "standing",
            "Net prices by month: money on every page",
            group="Demand",
        ),
        Table(
            "submissions",
            ("department", "cycle", "month", "quarter", *LEVELS),
            (
                _text("department", "who submits", True),
                _CYCLE,
                _month("month", "month submitted for (or give `quarter`)"),
                _month("quarter", "first month of the quarter submitted for (or give `month`)"),
                *_LEVEL_COLUMNS,
                _number("quantity", "units (or give `revenue_value`)"),
                _number("revenue_value", "money (or give `quantity`)"),
                _text("reason", "why"),
                _AUTHOR,
                _ENTERED,
            ),
            "dated",
            "Each department's own number: consensus",
            one_of=("month", "quarter"),
            group="Views of people",
        ),
        Table(
            "inventory",
            ("item", "location", "month"),
            (
                _ITEM,
                _SITE,
                _MONTH,
                _number("on_hand", "units in stock at month end", True),
                _number("backlog", "units owed to customers at month end"),
            ),
            "measured",
            "Stock at month end",
            group="Supply",
        ),
        Table(
            "scheduled_receipts",
            ("item", "location", "month", "kind", "cycle"),
            (
                _ITEM,
                _SITE,
                _month("month", "month due", True),
                _text("kind", "what is due", True, ("purchase", "production", "transfer")),
                _month("cycle", "snapshot it belongs to"),
                _number("quantity", "units due", True),
                _flag("is_firm", "cannot be moved"),
            ),
            "snapshot",
            "Supply already on its way",
            group="Supply",
        ),
        Table(
            "production",
            ("item", "location", "month"),
            (
                _ITEM,
                _SITE,
                _MONTH,
                _number("quantity", "units received into stock", True),
                _number("hours", "hours worked"),
            ),
            "measured",
            "What was made: plan adherence",
            group="Supply",
        ),
        Table(
            "resources",
            ("resource",),
            (
                _text("resource", "machine group, work centre or crew", True),
                _text("location", "site where it stands"),
                _number("regular_hours", "hours a month", True),
                _number("overtime_hours", "further hours a month in overtime"),
                _number("regular_cost_value", "cost of a regular hour"),
                _number("overtime_cost_value", "cost of an overtime hour"),
            ),
            "standing",
            "What limits production",
            group="Supply",
        ),
        Table(
            "capacity",
            ("resource", "month"),
            (
                _text("resource", "as in `resources`", True),
                _MONTH,
                _number("regular_hours", "hours in this month", True),
                _number("overtime_hours", "further hours in overtime"),
            ),
            "standing",
            "Calendar of capacity, where months differ",
            group="Supply",
        ),
        Table(
            "routings",
            ("item", "family", "resource"),
            (
                _text("item", "item (or give `family`)"),
                _text("family", "family (or give `item`)"),
                _text("resource", "as in `resources`", True),
                _number("hours_per_unit", "hours a unit", True),
            ),
            "standing",
            "Load: hours a unit takes of each resource",
            one_of=("item", "family"),
            group="Supply",
        ),
        Table(
            "components",
            ("item", "component"),
            (
                _ITEM,
                _text("component", "item that goes into it", True),
                _number("quantity_per", "units of component a unit of item", True),
            ),
            "standing",
            "Bill of materials: which items a late component stops",
            group="Supply",
        ),
        Table(
            "suppliers",
            ("item", "supplier"),
            (
                _ITEM,
                _text("supplier", "who delivers", True),
                _number("lead_time_days", "days from order to receipt", True),
                _number("unit_cost_value", "purchase price a unit"),
                _number("minimum_order", "units an order at least"),
            ),
            "standing",
            "Lead times of purchased items",
            group="Supply",
        ),
        Table(
            "planning_costs",
            ("item", "family"),
            (
                _text("item", "item (or give `family`)"),
                _text("family", "family (or give `item`)"),
                _number("holding_cost_value", "cost of holding one unit one month"),
                _number("backorder_cost_value", "cost of owing one unit one month"),
                _number("rate_change_cost_value", "cost of one unit of change in the monthly rate"),
            ),
            "standing",
            "Strategies in money",
            one_of=("item", "family"),
            group="Supply",
        ),
        Table(
            "budget",
            ("version", *LEVELS, "month", "quarter"),
            (
                _text("version", "name of the budget; the last in the alphabet is used"),
                *_LEVEL_COLUMNS,
                _month("month", "month (or give `quarter`)"),
                _month("quarter", "first month of the quarter (or give `month`)"),
                _number("quantity", "units (or give `revenue_value`)"),
                _number("revenue_value", "revenue (or give `quantity`)"),
                _number("margin_value", "margin", low=None),
            ),
            "standing",
            "Finance's budget: the financial gap",
            one_of=("month", "quarter"),
            group="Money and goals",
        ),
        Table(
            "targets",
            ("kpi", *LEVELS, "first_month"),
            (
                _text("kpi", "name of the KPI", True),
                *_LEVEL_COLUMNS,
                _month("first_month", "first month it holds", True),
                _month("last_month", "last month it holds", True),
                _number("target", "the goal", True, None),
                _text("unit", "rate, months or value"),
            ),
            "standing",
            "Goals: status of each KPI",
            group="Money and goals",
        ),
        Table(
            "assumptions",
            ("assumption",),
            (
                _text("assumption", "short name", True),
                _text("statement", "what is assumed", True),
                _text("owner", "who answers for it", True),
                _text("quality", "how sure we are", True, ("red", "amber", "green")),
                _text("impact", "how much hangs on it", True, ("red", "amber", "green")),
                _month("first_cycle", "first cycle it stands in", True),
                _month("expires_month", "month after which it is void"),
            ),
            "standing",
            "Assumptions log",
            group="Decisions",
        ),
        Table(
            "decisions",
            ("decision", "cycle"),
            (
                _text("decision", "short name", True),
                _CYCLE,
                _text("statement", "what is to be decided", True),
                _text("owner", "who decides", True),
                Column("decide_by", "date", "last day to decide", True),
            ),
            "dated",
            "Decisions wanted",
            group="Decisions",
        ),
        Table(
            "options",
            ("decision", "option"),
            (
                _text("decision", "as in `decisions`", True),
                _text("option", "short name", True),
                _text("statement", "what would be done", True),
                _number("cost_value", "what it costs", low=None),
                _number("effect_value", "what it brings", low=None),
            ),
            "standing",
            "Options of each decision, with their money",
            group="Decisions",
        ),
        Table(
            "actions",
            ("action", "cycle"),
            (
                _text("action", "short name", True),
                _CYCLE,
                _text("statement", "what was promised", True),
                _text("owner", "who promised it", True),
                _month("due_month", "month it is due", True),
                _text("status", "state", True, ("open", "done", "dropped")),
            ),
            "dated",
            "Follow-up of what was promised",
            group="Decisions",
        ),
    )
}

# company.yml: setting → (default, meaning). Any notebook parameter may stand there too.
COMPANY: dict[str, tuple[object, str]] = {
    "name": ("Our company", "name on every page"),
    "currency": ("money", "reporting currency, as people write it: EUR"),
    "fiscal_year_first_month": (1, "first month of the fiscal year, 1 to 12"),
    "departments": ([], "departments that submit a view, in the order shown"),
    "horizon": (18, "months planned ahead, lengthened to the next fiscal year's end"),
    "last_closed_month": (None, "last closed month, YYYY-MM, where sales run past it"),
    "unknown_sales": ([], "silent locations, channels or months (YYYY-MM) that are not zero"),
    "tolerance_rate": (0.01, "share of money that unknown items may touch before a run stops"),
    "materiality_value": (50_000.0, "money below which an exception is counted, not shown"),
    "service_levels": ({"default": 0.95}, "chance of no stock-out a month, by family or `default`"),
    "meetings": ([], "list of step, working_day, chair"),
}


@dataclass(frozen=True)
class Processed:
    """A table a step writes: key, columns others rely on, and what its rows are."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    meaning: str


_FACTS = ("fact", "amount", "kind", "text")


def _facts(step: str) -> Processed:
    return Processed(f"{step}_facts", ("fact",), _FACTS, f"figures of the headline of {step}")


PROCESSED: dict[str, Processed] = {
    table.name: table
    for table in (
        _facts("data_review"),
        _facts("product_review"),
        _facts("demand_review"),
        _facts("supply_review"),
        _facts("reconciliation"),
        _facts("executive_review"),
        Processed(
            "arrivals",
            ("table",),
            ("table", "rows", "first_month", "last_month", "switches_on"),
            "what came in, table by table",
        ),
        Processed(
            "findings",
            (),
            ("state", "table", "column", "rows", "first_row", "message", "remedy", "money_share"),
            "what the check of the raw tables found",
        ),
        Processed(
            "demand_history",
            tuple(SERIES_MONTH),
            (*SERIES_MONTH, "sales", "returns", "stockout", "outlier", "demand", "revenue_value"),
            "sales + layers = demand; zeros filled from a series' first sale",
        ),
        Processed(
            "corrections",
            (),
            (*SERIES_MONTH, "layer", "quantity", "amount_value", "reason"),
            "every correction of the history, with its reason and money",
        ),
        Processed(
            "money_rates",
            tuple(SERIES),
            (*SERIES, "unit_price_value", "unit_cost_value", "price_source"),
            "price and cost a unit at the start of the horizon, by series",
        ),
        Processed(
            "classes",
            tuple(SERIES),
            (*SERIES, "abc", "xyz", "demand_class", "lifecycle", "policy", "revenue_value"),
            "how each series behaves",
        ),
        Processed(
            "forecast",
            tuple(SERIES_MONTH),
            (*SERIES_MONTH, "quantity", "quantity_lower", "quantity_upper", "model"),
            "statistical forecast; lower and upper enclose 80 %",
        ),
        Processed(
            "backtest",
            (*SERIES, "origin", "month"),
            (*SERIES, "origin", "month", "lag", "actual"),
            "what each model would have said at past origins; one column a model",
        ),
        Processed(
            "accuracy",
            ("level", "member", "model", "lag"),
            ("level", "member", "model", "lag", "wape", "bias_rate", "mase", "volume"),
            "error by level, model and lag; positive bias: forecast too high",
        ),
        Processed(
            "model_weights",
            (*SERIES, "model"),
            (*SERIES, "model", "weight_share", "error_rate"),
            "weight of each model in the combination",
        ),
        Processed(
            "views",
            ("department", *SERIES_MONTH),
            ("department", *SERIES_MONTH, "quantity"),
            "each department's own number on the plan's keys",
        ),
        Processed(
            "view_skill",
            ("department",),
            ("department", "cycles", "wape", "bias_rate", "weight_share", "verdict"),
            "how right each department was in past cycles",
        ),
        Processed(
            "demand_plan",
            tuple(SERIES_MONTH),
            (*SERIES_MONTH, "statistical", "departments", "consensus"),
            "statistical + departments = consensus",
        ),
        Processed(
            "supply_plan",
            tuple(SITE_MONTH),
            (*SITE_MONTH, "regular", "overtime", "purchased", "receipts", "supply"),
            "the chosen strategy; regular + overtime + purchased + receipts = supply",
        ),
        Processed(
            "inventory_projection",
            tuple(SITE_MONTH),
            (*SITE_MONTH, "opening", "supply", "demand", "closing", "safety_stock"),
            "opening + supply - demand = closing, the next month's opening; below zero is backlog",
        ),
        Processed(
            "resource_load",
            ("resource", "month"),
            ("resource", "month", "load_hours", "regular_hours", "overtime_hours"),
            "hours the plan takes, beside the hours there are",
        ),
        Processed(
            "production_strategies",
            ("strategy", "cost_kind"),
            ("strategy", "cost_kind", "amount_value"),
            "what each way to supply costs over the horizon",
        ),
        Processed(
            "strategy_months",
            ("strategy", "month"),
            ("strategy", "month", "supply", "demand", "closing"),
            "what each way makes and stores, in total by month",
        ),
        Processed(
            "plan_accuracy",
            ("layer", "lag"),
            ("layer", "lag", "wape", "bias_rate"),
            "how far past cycles' demand plans were off, by lag",
        ),
        Processed(
            "lifecycle",
            ("item", "lifecycle"),
            ("item", "lifecycle", "revenue_value"),
            "items being launched, phased out, ended or silent",
        ),
        Processed(
            "view_status",
            ("department",),
            ("department", "rows", "state"),
            "who has submitted a view",
        ),
        Processed(
            "deliveries",
            tuple(SITE_MONTH),
            (*SITE_MONTH, "demand", "deliverable", "on_time"),
            "what customers receive each month, and how much of it in time",
        ),
        Processed(
            "closed_financials",
            ("family", "month"),
            ("family", "month", "net", "revenue_value", "margin_value"),
            "closed months in money beside the budget",
        ),
        Processed(
            "decision_options",
            (),
            ("decision", "statement", "owner", "decide_by", "option", "cost_value"),
            "decisions wanted, with their options",
        ),
        *(
            Processed(
                name,
                ("family", "measure", "row", "month"),
                ("family", "measure", "row", "month", "amount", "is_last_plan"),
                f"the S&OP grid as known {when}",
            )
            for name, when in (
                ("sop_grid_demand", "in the demand review"),
                ("sop_grid_supply", "in the supply review"),
                ("sop_grid", "from the reconciliation on"),
            )
        ),
        Processed(
            "financials",
            ("family", "month"),
            ("family", "month", "revenue_value", "margin_value", "supply_revenue_value"),
            "the plan in money beside budget and last year",
        ),
        Processed(
            "gaps",
            ("family", "month"),
            ("family", "month", "demand", "supply", "budget", "gap", "gap_value"),
            "supply - demand (positive: surplus), and the plan beside the budget",
        ),
        Processed(
            "kpis",
            ("kpi",),
            ("kpi", "meaning", "amount", "unit", "target", "status"),
            "where we stand beside each goal",
        ),
        Processed(
            "register",
            ("kind", "name"),
            ("kind", "name", "statement", "owner", "due", "status"),
            "decisions, actions and assumptions of this cycle",
        ),
        *(
            Processed(
                f"{step}_exceptions",
                (),
                ("subject", "finding", "amount_value", "proposal"),
                f"exceptions of {step}, ranked by money",
            )
            for step in ("product_review", "demand_review", "supply_review", "reconciliation")
        ),
    )
}


def dictionary() -> str:
    """The data dictionary as Markdown: every raw table, its columns, and when a row is known."""
    lines = [
        "# What can stand in data/raw",
        "",
        "Generated from `sopkit/schema.py`. Only `sales` is required; each further table switches",
        "something on. A table is `<name>.csv`, `.xlsx` or `.parquet`, or one SELECT in",
        "`sources.yml`. The program never changes or removes a file here, this one apart.",
        "Months are written `YYYY-MM-DD` or `YYYY-MM`, numbers `1234.5`, flags `true` or `false`.",
        "**Bold** columns are required. Key columns are marked *key*; a level column that is left",
        "out or blank means `all`.",
    ]
    group = ""
    for table in RAW.values():
        if table.group != group:
            group = table.group
            lines += ["", f"## {group}"]
        lines += ["", f"### {table.name}", "", f"{table.meaning}. Rows are {table.known}."]
        if table.one_of:
            lines += [f"One of {', '.join(f'`{name}`' for name in table.one_of)} is needed."]
        lines += ["", "| column | type | meaning |", "|---|---|---|"]
        for column in table.columns:
            name = f"**{column.name}**" if column.is_required else column.name
            words = column.meaning + (", *key*" if column.name in table.key else "")
            choices = f": {', '.join(column.choices)}" if column.choices else ""
            lines.append(f"| {name} | {column.kind} | {words}{choices} |")
    lines += ["", "## company.yml", "", "| setting | default | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {value} | {words} |" for name, (value, words) in COMPANY.items()]
    return "\n".join([*lines, "| any notebook parameter | | see the notebooks |", ""])
