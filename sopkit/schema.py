"""Every table sopkit reads or writes: name, key, columns, units, and when a row is known.

The words here are the planner's (house §3) and fixed, so no function takes column names as
parameters. Units stand in the names: none = the item's own unit, ``_value`` = reporting currency,
``_hours``, ``_days``, ``_months``, ``_rate`` and ``_share`` between 0 and 1, ``is_`` true or false.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

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
    """One table; ``known``: measured, snapshot, dated or standing (house §4)."""

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


# A table: name | when its rows are known | key | what it switches on. Below it its columns:
# name (* required) kind: meaning. Kinds: text (or text{choices}), month, date, flag, number (not
# negative), signed (any number), share (0 to 1). `levels` stands for all level columns, `series`
# for item location channel.
_RAW = """
# Demand
sales | measured | series month | one of month date | What was sold: forecast, accuracy, service
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  month month: month of the sale (or give `date`)
  date date: day of the sale, summed into months (or give `month`)
  quantity* signed: units sold, negative for returns and credits
  revenue_value signed: net revenue
  ordered_quantity signed: units the customers ordered
  on_time_quantity signed: units delivered on time
  is_stockout flag: stock ran out in the month
  is_promotion flag: a promotion ran in the month
items | standing | item | What is sold: families, money, lifecycle
  item* text: stock-keeping unit or service
  description text: name people read
  family text: level at which volume is decided
  category text: level above family
  unit text: unit of measure
  planning_factor number: units of the common planning unit in one unit
  unit_cost_value number: cost a unit
  unit_price_value number: price a unit where `prices` has none
  launch_month month: first month of sale
  end_month month: last month of sale
  lot_size number: units a lot
  lead_time_days number: days from order to stock
  shelf_life_months number: months it keeps
  is_service flag: a service: holds no stock
  is_purchased flag: bought, not made
  is_made_to_order flag: made to order: backlog instead of stock
locations | standing | location | Where: regions and sites
  location* text: market, region or site
  region text: level above location
  supplied_from text: site that supplies this market
  currency text: currency of its money
  storage_limit number: units it can hold
channels | standing | channel | To whom: segments and priorities
  channel* text: sales channel or customer group
  segment text: level above channel
  priority number: 1 is served first
  contract_rate share: share of demand under contract
  payment_days number: days until it pays
prices | standing | series first_month | Net prices by month: money on every page
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  first_month* month: first month the price holds
  unit_price_value* number: net price a unit
  unit_cost_value number: cost a unit
# Views of people
submissions | dated | department cycle month quarter levels | one of month quarter | Each department's own number: consensus
  department* text: who submits
  cycle* month: month in which the plan is made
  month month: month submitted for (or give `quarter`)
  quarter month: first month of the quarter submitted for (or give `month`)
  levels
  quantity number: units (or give `revenue_value`)
  revenue_value number: money (or give `quantity`)
  reason text: why
  author text: who entered it
  entered_at date: when it was entered
# Supply
inventory | measured | item location month | Stock at month end
  item* text: stock-keeping unit or service
  location text: site that makes or stocks; `all` where left out
  month* month: month, its first day
  on_hand* number: units in stock at month end
  backlog number: units owed to customers at month end
scheduled_receipts | snapshot | item location month kind cycle | Supply already on its way
  item* text: stock-keeping unit or service
  location text: site that makes or stocks; `all` where left out
  month* month: month due
  kind* text{purchase,production,transfer}: what is due
  cycle month: snapshot it belongs to
  quantity* number: units due
  is_firm flag: cannot be moved
production | measured | item location month | What was made: plan adherence
  item* text: stock-keeping unit or service
  location text: site that makes or stocks; `all` where left out
  month* month: month, its first day
  quantity* number: units received into stock
  hours number: hours worked
resources | standing | resource | What limits production
  resource* text: machine group, work centre or crew
  location text: site where it stands
  regular_hours* number: hours a month
  overtime_hours number: further hours a month in overtime
  regular_cost_value number: cost of a regular hour
  overtime_cost_value number: cost of an overtime hour
capacity | standing | resource month | Calendar of capacity, where months differ
  resource* text: as in `resources`
  month* month: month, its first day
  regular_hours* number: hours in this month
  overtime_hours number: further hours in overtime
routings | standing | item family resource | one of item family | Load: hours a unit takes of each resource
  item text: item (or give `family`)
  family text: family (or give `item`)
  resource* text: as in `resources`
  hours_per_unit* number: hours a unit
components | standing | item component | Bill of materials: which items a late component stops
  item* text: stock-keeping unit or service
  component* text: item that goes into it
  quantity_per* number: units of component a unit of item
suppliers | standing | item supplier | Lead times of purchased items
  item* text: stock-keeping unit or service
  supplier* text: who delivers
  lead_time_days* number: days from order to receipt
  unit_cost_value number: purchase price a unit
  minimum_order number: units an order at least
planning_costs | standing | item family | one of item family | Strategies in money
  item text: item (or give `family`)
  family text: family (or give `item`)
  holding_cost_value number: cost of holding one unit one month
  backorder_cost_value number: cost of owing one unit one month
  rate_change_cost_value number: cost of one unit of change in the monthly rate
# Money and goals
budget | standing | version levels month quarter | one of month quarter | Finance's budget: the financial gap
  version text: name of the budget; the last in the alphabet is used
  levels
  month month: month (or give `quarter`)
  quarter month: first month of the quarter (or give `month`)
  quantity number: units (or give `revenue_value`)
  revenue_value number: revenue (or give `quantity`)
  margin_value signed: margin
targets | standing | kpi levels first_month | Goals: status of each KPI
  kpi* text: name of the KPI
  levels
  first_month* month: first month it holds
  last_month* month: last month it holds
  target* signed: the goal
  unit text: rate, months or value
# Decisions
assumptions | standing | assumption | Assumptions log
  assumption* text: short name
  statement* text: what is assumed
  owner* text: who answers for it
  quality* text{red,amber,green}: how sure we are
  impact* text{red,amber,green}: how much hangs on it
  first_cycle* month: first cycle it stands in
  expires_month month: month after which it is void
decisions | dated | decision cycle | Decisions wanted
  decision* text: short name
  cycle* month: month in which the plan is made
  statement* text: what is to be decided
  owner* text: who decides
  decide_by* date: last day to decide
options | standing | decision option | Options of each decision, with their money
  decision* text: as in `decisions`
  option* text: short name
  statement* text: what would be done
  cost_value signed: what it costs
  effect_value signed: what it brings
actions | dated | action cycle | Follow-up of what was promised
  action* text: short name
  cycle* month: month in which the plan is made
  statement* text: what was promised
  owner* text: who promised it
  due_month* month: month it is due
  status* text{open,done,dropped}: state
"""

# A table: name | key | further columns that others rely on | what its rows are.
_PROCESSED = """
data_review_facts | fact | amount kind text | figures of the headline of data_review
product_review_facts | fact | amount kind text | figures of the headline of product_review
demand_review_facts | fact | amount kind text | figures of the headline of demand_review
supply_review_facts | fact | amount kind text | figures of the headline of supply_review
reconciliation_facts | fact | amount kind text | figures of the headline of reconciliation
executive_review_facts | fact | amount kind text | figures of the headline of executive_review
arrivals | table | rows first_month last_month switches_on | what came in, table by table
findings |  | state table column rows first_row message remedy money_share | what the check of the raw tables found
demand_history | series month | sales returns stockout outlier demand revenue_value | sales + layers = demand; zeros filled from a series' first sale
corrections |  | series month layer quantity amount_value reason | every correction of the history, with its reason and money
money_rates | series | unit_price_value unit_cost_value price_source | price and cost a unit at the start of the horizon, by series
classes | series | abc xyz demand_class lifecycle policy revenue_value | how each series behaves
forecast | series month | quantity quantity_lower quantity_upper model | statistical forecast; lower and upper enclose 80 %
backtest | series origin month | lag actual | what each model would have said at past origins; one column a model
accuracy | level member model lag | wape bias_rate mase volume | error by level, model and lag; positive bias: forecast too high
model_weights | series model | weight_share error_rate | weight of each model in the combination
views | department series month | quantity | each department's own number on the plan's keys
view_skill | department | cycles wape bias_rate weight_share verdict | how right each department was in past cycles
demand_plan | series month | statistical departments consensus | statistical + departments = consensus
supply_plan | item location month | regular overtime purchased receipts supply | the chosen strategy; regular + overtime + purchased + receipts = supply
inventory_projection | item location month | opening supply demand closing safety_stock | opening + supply - demand = closing, the next month's opening; below zero is backlog
resource_load | resource month | load_hours regular_hours overtime_hours | hours the plan takes, beside the hours there are
production_strategies | strategy cost_kind | amount_value | what each way to supply costs over the horizon
strategy_months | strategy month | supply demand closing | what each way makes and stores, in total by month
plan_accuracy | layer lag | wape bias_rate | how far past cycles' demand plans were off, by lag
lifecycle | item lifecycle | revenue_value | items being launched, phased out, ended or silent
view_status | department | rows state | who has submitted a view
deliveries | item location month | demand deliverable on_time | what customers receive each month, and how much of it in time
closed_financials | family month | net revenue_value margin_value | closed months in money beside the budget
decision_options |  | decision statement owner decide_by option cost_value | decisions wanted, with their options
sop_grid_demand | family measure row month | amount is_last_plan | the S&OP grid as known in the demand review
sop_grid_supply | family measure row month | amount is_last_plan | the S&OP grid as known in the supply review
sop_grid | family measure row month | amount is_last_plan | the S&OP grid as known from the reconciliation on
financials | family month | revenue_value margin_value supply_revenue_value | the plan in money beside budget and last year
gaps | family month | demand supply budget gap gap_value | supply - demand (positive: surplus), and the plan beside the budget
kpis | kpi | meaning amount unit target status | where we stand beside each goal
register | kind name | statement owner due status | decisions, actions and assumptions of this cycle
product_review_exceptions |  | subject finding amount_value proposal | exceptions of product_review, ranked by money
demand_review_exceptions |  | subject finding amount_value proposal | exceptions of demand_review, ranked by money
supply_review_exceptions |  | subject finding amount_value proposal | exceptions of supply_review, ranked by money
reconciliation_exceptions |  | subject finding amount_value proposal | exceptions of reconciliation, ranked by money
"""

_LIMITS = {"number": (0.0, None), "signed": (None, None), "share": (0.0, 1.0)}


def _key(text: str) -> tuple[str, ...]:
    """Column names of a key, with its short words written out."""
    short = {"levels": LEVELS, "series": SERIES}
    return tuple(name for word in text.split() for name in short.get(word, [word]))


def _column(line: str) -> Column:
    """A column from its line."""
    head, _, meaning = line.strip().partition(": ")
    name, kind = head.split(" ")
    kind, _, choices = kind.rstrip("}").partition("{")
    low, high = _LIMITS.get(kind, (None, None))
    return Column(
        name.rstrip("*"),
        "number" if kind in _LIMITS else kind,
        meaning,
        name.endswith("*"),
        low,
        high,
        tuple(choices.split(",")) if choices else (),
    )


def _columns(lines: list[str]) -> tuple[Column, ...]:
    levels = [f"{level} text: {level}; blank or `all` means every one" for level in LEVELS]
    whole = [part for line in lines for part in (levels if line.strip() == "levels" else [line])]
    return tuple(map(_column, whole))


def _raw_tables() -> dict[str, Table]:
    tables, group = {}, ""
    for block in re.split(r"\n(?=\S)", _RAW.strip()):
        first, *lines = block.split("\n")
        if first.startswith("# "):
            group = first[2:]
            continue
        name, known, key, *one_of, meaning = first.split(" | ")
        choice = tuple(one_of[0].split()[2:]) if one_of else ()
        tables[name] = Table(name, _key(key), _columns(lines), known, meaning, choice, group)
    return tables


@dataclass(frozen=True)
class Processed:
    """A table a step writes: key, columns others rely on, and what its rows are."""

    name: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    meaning: str


def _processed_tables() -> dict[str, Processed]:
    tables = {}
    for line in _PROCESSED.strip().split("\n"):
        name, key, further, meaning = line.split("|")
        keys = _key(key)
        columns = (*keys, *_key(further))
        tables[name.strip()] = Processed(name.strip(), keys, columns, meaning.strip())
    return tables


RAW = _raw_tables()
PROCESSED = _processed_tables()

# Columns that are typed and checked, and that no calculation reads yet; the dictionary says so.
NOT_USED_YET = frozenset(
    "author contract_rate entered_at is_firm is_promotion lot_size minimum_order on_time_quantity "
    "ordered_quantity payment_days planning_factor priority quantity_per shelf_life_months "
    "storage_limit".split()
)

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
}


def lookup(members: pd.Series, table: pd.DataFrame, column: str, on: str = "item") -> pd.Series:
    """A column of a table of members (items, locations …) for each key, missing where unknown.

    Examples
    --------
    >>> items = pd.DataFrame({"item": ["A"], "family": ["Tents"]})
    >>> lookup(pd.Series(["A", "B"]), items, "family").tolist()
    ['Tents', nan]
    """
    known = table.drop_duplicates(on).set_index(on)[column]
    return known.reindex(members).set_axis(members.index)


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
            words += " (checked, but no figure uses it yet)" if column.name in NOT_USED_YET else ""
            choices = f": {', '.join(column.choices)}" if column.choices else ""
            lines.append(f"| {name} | {column.kind} | {words}{choices} |")
    lines += ["", "## company.yml", "", "| setting | default | meaning |", "|---|---|---|"]
    lines += [f"| {name} | {value} | {words} |" for name, (value, words) in COMPANY.items()]
    return "\n".join([*lines, "| any notebook parameter | | see the notebooks |", ""])
