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
WEIGHT_TOLERANCE = 0.01  # by which weights of like items may miss 1


@dataclass(frozen=True)
class Column:
    """One column of a table; ``kind`` is text, month, date, time, number or flag."""

    name: str
    kind: str
    meaning: str
    is_required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    is_used: bool = True  # False: checked, but no calculation reads it yet


@dataclass(frozen=True)
class Table:
    """One table; ``known``: measured, snapshot, dated or standing (house §4)."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    known: str
    meaning: str
    one_of: tuple[tuple[str, ...], ...] = ()  # of each group at least one must be given
    group: str = ""
    is_used: bool = True  # False: checked, but no calculation reads it yet

    @property
    def column_names(self) -> list[str]:
        """Names of all columns, in order."""
        return [column.name for column in self.columns]

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


# A table: name | when its rows are known | key | [one of …] | what it switches on. Its columns:
# name (* required, ~ no calculation reads it yet) kind: meaning. Kinds: text (or text{choices}),
# month, date, time, flag, number (not negative), signed (any number), share (0 to 1), positive (above 0),
# quarter (1 to 4). `levels` stands for all level columns, `series_key` for item location channel. A ~
# after a table's name marks all of it.
_RAW = """
# Demand
sales | measured | series_key month | one of month date | What was sold: forecast, accuracy, service
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  month month: month of the sale (or give `date`)
  date date: day of the sale, summed into months by `calendar` (or give `month`)
  quantity* signed: units sold, negative for returns and credits
  revenue_value signed: net revenue, in the currency of the location
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
  lot_size number: units a lot; counted where `whole_numbers` says lots
  lead_time_days number: days from order to stock
  shelf_life_months number: months it keeps
  is_service flag: a service: holds no stock
  is_purchased flag: bought, not made
  is_made_to_order flag: made to order: backlog instead of stock
locations | standing | location | Where: regions, sites, currencies
  location* text: market, region or site
  region text: level above location
  supplied_from text: site that supplies it
  currency text: currency of its money, as in `rates`; blank is the company's
  lead_time_days number: days a transfer from `supplied_from` takes
  storage_limit number: units it can hold
  owner text: who answers for its sales
channels | standing | channel | To whom: segments and priorities
  channel* text: sales channel or customer group
  segment text: level above channel
  priority number: 1 is served first where supply is short; blank is last
  contract_rate share: share of demand under contract: its least share where supply is short
  payment_days number: days until it pays
  owner text: who answers for its sales
prices | standing | series_key first_month | Net prices by month: money on every page
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  first_month* month: first month the price holds
  unit_price_value* number: net price a unit, in the currency of the location
  unit_cost_value number: cost a unit, in the currency of the location
market | measured | series month family region | Market series: drivers, market share
  series* text: name of the series; `market size` is money a month, company's currency
  month* month: month, its first day
  value* signed: its value, in its own unit
  family text: family; blank or `all` means every one
  region text: region; blank or `all` means every one
events | standing | event | What is known to come: the event layer
  event* text: short name
  kind* text{promotion,price,competitor,market,customer_gain,customer_loss,new_market}: what happens
  first_month* month: first month it acts
  last_month month: last month it acts; blank is for good
  levels
  expected_rate* change: change of demand expected, 0.3 is 30 % more
  probability_rate share: chance that it happens
  cost_value number: what it costs
  owner text: who answers for it
launches | standing | item like_item | New items from like ones
  item* text: the new item
  like_item* text: an item it will sell like
  weight_share* share: weight among its like items
  scale_rate number: size beside the like item, 1 is equal
  ramp_months number: months until it sells in full
  replaces_item text: item it takes over from
  stage text: how far it is
  owner text: who answers for it
orders | snapshot | series_key month cycle | Open order book: what is ordered for coming months
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  month* month: month in which the customer wants it
  cycle month: snapshot it belongs to
  quantity* number: units ordered and not yet delivered
# Views of people
submissions | dated | department cycle month quarter levels | one of month quarter | one of quantity revenue_value is_unchanged is_withdrawn | Each department's own number: consensus
  department* text: who submits
  cycle* month: month in which the plan is made
  month month: month submitted for (or give `quarter`)
  quarter month: first month of the quarter submitted for (or give `month`)
  levels
  quantity number: units (or give `revenue_value`)
  revenue_value number: money (or give `quantity`)
  is_unchanged flag: nothing to change: counts as submitted; numbers that stand stay
  is_withdrawn flag: the earlier number with this key counts no more; blank both numbers
  reason text: why
  author text: who entered it
  entered_at time: when it was entered: in time or late; of two rows with one key the later counts
overrides | dated | cycle levels month author | one of quantity revenue_value rate | Changes people make to the number
  cycle* month: month in which the plan is made
  levels
  month* month: month changed
  author* text: who entered it
  kind* text{set,add,scale}: what it does
  quantity signed: units (or give `revenue_value` or `rate`)
  revenue_value signed: money
  rate number: factor of a `scale`
  reason* text: why
  is_locked flag: nothing else may move it
  expires_cycle month: last cycle it counts in
  entered_at time: when it was entered
plan_history | dated | cycle layer levels month | Plans of the tool before: accuracy from the first day
  cycle* month: month in which the plan was made
  layer* text: which number it was
  levels
  month* month: month planned
  quantity* signed: units planned
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
  is_firm flag: cannot be moved; blank counts as firm
production | measured | item location month | What was made: plan adherence
  item* text: stock-keeping unit or service
  location text: site that makes or stocks; `all` where left out
  month* month: month, its first day
  quantity* number: units received into stock
  hours number: hours worked
resources | standing | resource | What limits production
  resource* text: machine group, work centre or crew
  location text: site where it stands
  regular_hours* number: hours in a month of the usual working days
  overtime_hours number: further hours a month in overtime
  regular_cost_value number: cost of a regular hour
  overtime_cost_value number: cost of an overtime hour
  workers number: people who work there now; their hours are paid whether worked or not
  hours_per_worker number: hours a person works in a month
  minimum_workers number: fewest people it may have (blank: none need stay)
  maximum_workers number: most people it may have; blank: the workforce is not changed
  hiring_cost_value number: cost of hiring one person
  layoff_cost_value number: cost of laying off one person
capacity | standing | resource month | Calendar of capacity, where months differ
  resource* text: as in `resources`
  month* month: month, its first day
  regular_hours* number: hours in this month
  overtime_hours number: further hours in overtime
routings | standing | item family resource route | one of item family | Load: hours a unit takes of each resource
  item text: item (or give `family`)
  family text: family (or give `item`)
  resource* text: as in `resources`
  route text: name of an alternative way to make it; blank for the usual one
  hours_per_unit* number: hours a unit
  offset_months number: months before the item is due that the work is done
components | standing | item component | Bill of materials: what must be bought for the plan, and which items a late component stops
  item* text: stock-keeping unit or service
  component* text: item that goes into it
  quantity_per number: units of component a unit of item; blank is 1
  offset_months number: months before the item is due that the component is needed
suppliers | standing | item family supplier | one of item family | Purchasing: who delivers, how fast, at what price
  item text: item (or give `family`)
  family text: family (or give `item`)
  supplier* text: who delivers
  lead_time_days* number: days from order to receipt
  unit_cost_value number: purchase price a unit
  monthly_limit number: units it can deliver in a month
  minimum_order number: units an order at least
  break_quantity number: units an order from which the lower price holds
  break_cost_value number: purchase price a unit from there on
  payment_days number: days until it is paid
planning_costs | standing | item family | one of item family | Strategies in money
  item text: item (or give `family`)
  family text: family (or give `item`)
  holding_cost_value number: cost of holding one unit one month
  backorder_cost_value number: cost of owing one unit one month
  rate_change_cost_value number: cost of one unit of change in the monthly rate
  subcontract_cost_value number: cost of one unit made by others; blank: nobody makes it
  subcontract_limit number: units a month that others can make
  setup_cost_value number: cost of one set-up; counted where `whole_numbers` says set-ups
  lost_sale_cost_value number: cost of one unit of demand lost; blank: its price
  maximum_rate_change number: units by which the monthly rate can change
# Money and goals
budget | standing | version levels month quarter | one of month quarter | one of quantity revenue_value | Finance's budget: the financial gap
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
  unit text: what it is measured in: rate, days, months, turns, units, count, score; value or a currency
  owner text: who answers for it
controls | standing | table measure month channel | Finance's own totals: page 01 prints the difference
  table* text: table they control, such as sales
  measure* text: its column, such as revenue_value
  month* month: month, its first day
  channel text: channel; blank or `all` means every one
  amount* signed: finance's total, money in the company's currency
rates | standing | currency month kind | Exchange rates: several currencies
  currency* text: currency, as in `locations`
  month* month: month, its first day
  kind* text{actual,budget}: which rate it is
  rate* positive: units of the company's currency for one of this
calendar | standing | month | Periods that are no calendar months, working days, fiscal years
  month* month: name of the period, a first day
  first_date* date: its first day
  last_date* date: its last day
  working_days number: days worked in it
  fiscal_year number: fiscal year it belongs to
  fiscal_quarter~ quarter: quarter of that year, 1 to 4
# Decisions
assumptions | dated | assumption | Assumptions log
  assumption* text: short name
  statement* text: what is assumed
  owner* text: who answers for it
  quality* text{red,amber,green}: how sure we are
  impact* text{red,amber,green}: how much hangs on it
  department text: whose number rests on it
  first_cycle* month: first cycle it stands in
  test text: a formula that is true when it is broken, as demand(family="Tents", months=6) < 900
  expires_month month: month after which it is void
decisions | dated | decision cycle | Decisions wanted
  decision* text: short name
  cycle* month: month in which the plan is made
  statement* text: what is to be decided
  owner* text: who decides
  decide_by* date: last day to decide
  author text: who entered it
  entered_at time: when it was entered
options | standing | decision option | Options of each decision, with their money
  decision* text: as in `decisions`
  option* text: short name
  statement* text: what would be done
  cost_value signed: what it costs
  effect_value signed: what it brings
  scenario text: scenario that shows it: name of its file, without .yml
actions | dated | action cycle | Follow-up of what was promised
  action* text: short name
  cycle* month: month in which the plan is made
  statement* text: what was promised
  owner* text: who promised it
  due_month* month: month it is due
  status* text{open,done,dropped}: state
  kpi text: measure that it promised to move
  levels
  effect_first_month month: first month of the effect
  effect_last_month month: last month of the effect
  effect_amount signed: effect promised, in the unit of the KPI
  author text: who entered it
  entered_at time: when it was entered
closings | dated | cycle step revision state | Steps closed and reopened: gates, approval
  cycle* month: month in which the plan is made
  step* text: step of the cycle
  revision* number: how often the step was closed by then, 1 the first time
  state* text{closed,reopened}: what became of that revision
  author* text: who says so
  note text: why
  entered_at* time: when it was entered
choices | dated | decision cycle | What was decided: the scenario of the option becomes the plan
  decision* text: as in `decisions`
  cycle* month: month in which the plan is made
  option* text: option chosen
  author* text: who says so
  note text: why
  entered_at* time: when it was entered
answers | dated | feedback cycle series_key month later_month entered_at | Sales' answers to what supply sent back: the constrained plan
  feedback* text: line of the feedback
  cycle* month: month in which the plan is made
  item* text: stock-keeping unit or service
  location text: market or region; `all` where left out
  channel text: sales channel or customer group; `all` where left out
  month* month: month in which it is wanted
  later_month month: month in which it comes; blank: not within the plan
  state* text{accepted,refused}: the answer
  quantity number: units of the month that come later, all accepted by then; the latest counts
  refused_quantity number: units refused: served last where supply is short
  author* text: who says so
  note text: why
  entered_at* time: when it was entered
policies | dated | levels kind layer month cycle | one of model layer | Corrections of the history accepted or refused, models chosen, by anybody who knows better
  levels
  kind* text{model,layer}: what is chosen: the model that forecasts some series, or a layer of their history
  layer text{unfilled,stockout,outlier,level_shift,promotion,event,market}: layer of the history
  month month: month of the correction; blank: every month
  cycle* month: month in which the plan is made; it counts in later cycles too
  model text: model that forecasts these series, the latest choice counts (or give `layer`); `combined` takes it back
  parameters text: parameters of the model that are held, as `alpha=0.2; gamma=0.1`; blank: estimated
  is_accepted flag: the correction stands, or does not, the latest that covers a month counts; of a model, false takes it back
  reason* text: why
  author* text: who says so
  entered_at* time: when it was entered
pulse | dated | cycle step author | How the meetings went
  cycle* month: month in which the plan is made
  step* text: step of the cycle
  author* text: who says so
  score* number: 1 is bad, 5 is good
  note text: why
  entered_at time: when it was entered
levers | standing | lever | What could close a gap: the best set of them, page 05
  lever* text: short name
  statement* text: what would be done
  owner* text: who answers for it
  cost_value number: what it costs once, its hours among it; blank costs nothing
  lead_time_months number: months from the cycle of the decision until it acts
  levels
  resource text: resource it adds hours to; blank adds units of demand
  first_month month: first month it may act; blank: as soon as it can
  last_month month: last month it may act; blank: to the end of the plan
  effect_amount* positive: hours of the resource, or units of demand in the planning unit, a month
  excludes text: lever that cannot be used with it; several with commas between
  success_rate share: chance that it works, by which its effect counts; blank is 1
risks | dated | risk cycle | Risks and opportunities
  risk* text: short name
  cycle* month: month in which the plan is made
  kind* text{risk,opportunity}: which it is
  statement* text: what may happen
  owner* text: who answers for it
  effect_value* signed: money if it happens
  probability_rate* share: chance that it happens
  first_month month: first month of the effect
  last_month month: last month of the effect
"""

# A table: name | key | further columns that others rely on | what its rows are.
_PROCESSED = """
data_review_facts | fact | amount kind text | figures of the headline of data_review
product_review_facts | fact | amount kind text | figures of the headline of product_review
demand_review_facts | fact | amount kind text | figures of the headline of demand_review
supply_review_facts | fact | amount kind text | figures of the headline of supply_review
reconciliation_facts | fact | amount kind text | figures of the headline of reconciliation
executive_review_facts | fact | amount kind text | figures of the headline of executive_review
arrivals | table | rows first_month last_month switches_on is_used | what came in, table by table
findings |  | state table column rows first_row message remedy money_share | what the check of the raw tables found
demand_history | series_key month | sales returns unfilled stockout outlier demand level_shift promotion event market baseline revenue_value | sales + layers = demand; baseline + level_shift + promotion + event + market = demand: what is known to have moved it; zeros filled from a series' first sale
corrections |  | correction layer series_key family month quantity quantity_lower quantity_upper amount_value reason state author note | every correction of the history, with its reason, money, and who accepted or refused it; proposed ones are not applied
money_rates | series_key | unit_price_value unit_cost_value price_source | price and cost a unit at the start of the horizon, by series
planning_units | item | planning_factor planning_unit | by what quantities are multiplied before they are added up, and what the sum is called
control_totals |  | table measure month channel control ours difference | finance's totals beside ours; difference = ours - finance's
restatements |  | kind subject becomes month before after amount_value finding | what changed in the closed past since the last cycle read it
known_members | kind member detail | amount | items with their family, and departments with what they submitted, as this cycle read them
lost_sales | item month | quantity quantity_lower quantity_upper amount_value series | sales lost to stock-outs by item and month, with a 90 % interval
correction_totals | layer state | corrections quantity amount_value authors | corrections of the history by layer and state, in the common unit and in money, and who answered
classes | series_key | abc xyz demand_class kind lifecycle policy revenue_value | how each series behaves
demand_kinds | kind | series revenue_share models | how much there is of each kind of demand, and what forecasts it
forecast | series_key month | quantity quantity_lower quantity_upper model coherence | statistical forecast; lower and upper enclose 80 %; coherence: what of it making levels add up changed
backtest | series_key origin month | lag actual combined seasonal_naive | what the combination and last year's month would have said at past origins
accuracy | level member model lag | wape bias_rate mase volume nervousness_rate gain_rate | error by level, model and lag (-1: all); positive bias: forecast too high; nervousness: how far the forecast of a month moved since the cycle before, gain: by how much that lowered its error
model_weights | series_key model | weight_share error_rate | weight of each model in the combination, and its squared error beside the models' mean
model_choices |  | levels model parameters subject words cycle author reason series months wape combined_wape gain_rate p_value verdict remark | models that people chose, their error at past months beside the combination's over the same months, and whether they pay; gain = combination's - theirs
fallbacks |  | series_key model words reason instead | models that failed for a series, why, and what stands in
forecast_reasons | series_key | quantity amount_value kind known_months first_model first_share second_model second_share third_model third_share models growth_rate peak_month peak_rate trough_month trough_rate wape naive_wape | why the forecast of a series is what it is
coherence | level member | own_wape bottom_up_wape coherent_wape gain_rate noise_rate removed_share volume own_quantity bottom_up_quantity coherent_quantity is_used | errors at past origins of each level: its own forecast, the series added up, and both made coherent; gain = bottom-up - coherent, removed: in shares of the bottom-up error
coherence_locks | level member month payer_level payer_member | amount without change price place payer_change payer_share | locked overrides beside what forecasts of all levels say without them, and whose amounts then move: the company, the largest series beneath, nodes beside
error_widths | series_key | width total_width kind | usual one-step error of each series on square roots, for months and for totals
error_multiples | kind measure lag probability | multiple | widths between the mean and a quantile, of a month or of the total up to it
one_step_errors | series_key month | error | past one-step errors in widths; positive: demand was above
views | department series_key month | quantity | each department's own number on the plan's keys
numbers_taken |  | department author subject first_month last_month asked weight_share beneath change change_value finding entered_at | what each number of a department did to the plan, one by one where it was entered with its time; the changes of all sum to its `departments`
view_skill | department | cycles wape bias_rate weight_share verdict | how right each department was in past cycles
demand_plan | series_key month | statistical events departments overrides consensus constrained | each after the first a change; statistical + events + departments + overrides = consensus; constrained: consensus with what sales agreed to deliver later, which supply plans
agreed |  | feedback series_key month later_month state quantity amount_value refused_quantity author note entered_at finding | what sales answered to supply's feedback, and what of it is moved in the plan
event_effects | event | kind first_month expected_rate used_rate change finding unplanned_value | what each event and market series adds to the plan, or why it does not; for coming prices the finding says what the elasticity of past ones would make of them
driver_effects | kind driver family | first_month last_month lag rate rate_lower rate_upper expected_rate used_rate used_lower used_upper p_value units amount_value state finding | what each past event and each market series did to demand, with its interval of 90 percent; used_rate: weighed with what the planner expected, and taken out of history where the state is used; kind elasticity: what one percent more of price does, told or not, nothing is taken out for it
origin_rates | driver origin | rate | rates of events that acted at a past month from which the back-test forecasts, as the months before it told them
promotion_returns | event | family first_month last_month units rate amount_value margin_value cost_value return_value return_lower return_upper verdict | what each past promotion added, and its margin less its cost with an interval of 90 percent
growth_layers | family month kind | units amount_value | what events and market series add to the plan, by kind: sums to its `events`
market_rates | driver family region month | rate lag_months memory_share | by how much market series move demand beside their long-run mean, in past months and ahead
override_effects | author month subject | cycle kind asked before after change change_value state finding reason | what each override did, or why it did not
override_changes | author subject series_key month | before change | what each override did to each series; before: the plan it found
supply_plan | item location month | regular overtime subcontract purchased receipts transfers supply | the chosen strategy; supply is the sum of the others, transfers are in less out, what production takes of items that are sold too among it
inventory_projection | item location month | opening supply demand closing safety_stock | opening + supply - demand = closing, the next month's opening; below zero is backlog
resource_load | resource month | load_hours regular_hours overtime_hours overload_hours workers | hours the plan takes, beside the hours there are; workers: where the plan changes them
production_strategies | strategy cost_kind | amount_value is_assumed | what each way to supply costs over the horizon
supply_costs | item location month | production_cost_value overtime_cost_value purchase_cost_value | what the chosen strategy costs by item; purchases: what arrives, also if ordered before
service_frontier | service_level_rate is_plan | amount_value | what safety stock costs with each service level everywhere, and with the planned ones
hour_values | resource month | value hours next_value words | what one more hour of overtime saves, for how many hours, and then
stock_by_family | family | items cover_months excess_value obsolete_value below_items | health of stock, added up
stock_health | item location | opening demand cover_months excess obsolete below_months excess_value obsolete_value | how long stock lasts, what is too much, what will never sell
strategy_months | strategy month | supply demand closing | what each way makes and stores, in total by month
waterfall | level member layer cycle month | quantity actual | what each past cycle planned for each month that has closed, and what came
lag_accuracy | level member layer lag | wape bias_rate value_wape mase rmsse volume cycles covered_rate | how far past plans were off, by months ahead (-1: all, -2: each item at its lead time); positive bias: too high
tracking_signals | level member layer | signal months is_alarm | running sum of errors one month ahead over their mean size; positive: too high; beyond 4 is an alarm
bound_accuracy | lag | coverage_rate below_rate above_rate pinball_rate rows | how often what came lay inside the forecast's bounds (80 %), by months ahead
value_added | level member layer beside lag | gain_rate gain_lower gain_upper verdict bias_rate habit months cycles is_department | error before - error after of each layer, by family and month (lag -3: one to three months ahead, -2: at the lead time); positive: it helped
touches | cycle author subject month | lag before change actual gain gain_value is_helpful | each override of a past cycle beside what came; gain: error before - error after
author_skill | author direction | touches helped_rate gain lost_value keep_rate | what each author's overrides were worth, and the share of the next that this speaks for
plan_attainment | plan lag | wape bias_rate volume cycles | supply and stock as planned beside what was made and stored; positive bias: less came than planned
market_watch | series_key | month so_far expected lower upper passed_share pace finding amount_value | series whose sales of the running month have left the interval that the last forecast gave
lifecycle | item lifecycle | revenue_value | items being launched, phased out, ended or silent
launch_ramps | family age | share share_lower share_upper launches | how past launches grew, by months since the first (0): share of their mature level, within which 80 % of them lie; family all: the company
launch_status | item check | stage owner launch_month state finding due_month amount_value | each launch that is not sold yet, check by check: ready, not ready or unknown, and the revenue that hangs on it
launch_totals | item | first_month quantity quantity_lower quantity_upper weight_share amount_value | what each launch is forecast to sell over the months planned, at its mean price; lower and upper enclose 80 %; weight: of what its like items promise, beside its own models
launch_tracking | item | launch_month months beside planned actual ratio ratio_lower ratio_upper scale_rate amount_value verdict | launches of the last twelve months beside the plan made before them; the ratio lies within lower and upper at 80 %; scale: as far as the months speak for it
phase_outs | item | description end_month beside stock receipts planned residual residual_value out_month proposal | items that end in two years or ended in the last one: what is left over at their end, at cost
view_assumptions | department assumption | statement quality impact quantity forecast difference_rate | what each department assumes, beside its number and the forecast with events
view_status | department | rows entered_at state timing | who has submitted a view
deliveries | item location month | demand deliverable on_time lost owed | what customers receive each month, and how much of it in time
allocation | series_key month | site demand delivered on_time owed lost | who gets what there is: deliveries of each site shared among the series it serves
shortages | item location month | description late_quantity lost_quantity delivered_by amount_value extra_unit_value cause limit chain | what is not delivered in its month, until when, and the limit that binds; cause backlog: owed since before the plan, in the month before it
shortage_moves | item location month move | what quantity cost_value unit_cost_value decide_by is_in_time | what could be done about each shortage, each move alone, in time and cheap ones first
allocation_rules | rule channel | service_rate late_quantity late_value margin_late_value contract_kept_rate is_chosen | what each rule of sharing would mean for each channel, all on the same deliveries; channel all: the company
feedback |  | feedback series_key month later_month site quantity amount_value promised_quantity cause limit state author note remark | what supply sends back to sales: units wanted in a month and the later month in which they come (missing: not within the plan), a line what one answer decides; promised: of these units, those that an earlier answer had moved into the month
feedback_rounds | round | entered_at author accepted refused taken_back open quantity amount_value note | batches of answers to feedback as they were given, each beside those before it, and in the last row what is open now
requirements | item location month | gross scheduled net ordered stock late | what is needed of each part through all levels of bills, what comes of it and what lacks; stock + scheduled + ordered - gross = the next stock - late
purchase_orders | item location supplier month | order_by order_month quantity unit_cost_value amount_value payment_days payment_month is_now is_late reason wanted_for launch_quantity | the buyer's list: what to order of whom, by when; month is that of receipt; launch_quantity: units of it for launches of the months planned
late_components | item location first_month | quantity ready_month supplier wanted_for amount_value chain | components that are not there when the wanted plan needs them, and the revenue that waits for them
late_launches | item | launch_month possible_month component supplier lead_months quantity amount_value chain | launches before all that goes into the item can be there, and what is not sold in between
cash_flow | month kind party | amount_value | money that customers pay (positive) and that suppliers are paid (negative), by month, where terms are known
closed_financials | family month | net revenue_value margin_value | closed months in money beside the budget
decision_options |  | decision statement owner decide_by status option cost_value effect_value model_value | decisions wanted, with their options: the owners' estimates, and what the scenario of an option brings beside the plan
sop_grid_demand | family measure row month | amount is_last_plan | the S&OP grid as known in the demand review
sop_grid_supply | family measure row month | amount is_last_plan | the S&OP grid as known in the supply review
sop_grid | family measure row month | amount is_last_plan | the S&OP grid as known from the reconciliation on
plan_money | series_key month | quantity revenue_value margin_value constrained constrained_revenue_value constrained_margin_value held_rate_revenue_value last_year_rate_revenue_value | the plan in money by series: what is wanted, and what the supply plan delivers of it
money_by_level | level member period_kind period | revenue_value margin_value constrained_revenue_value constrained_margin_value held_rate_revenue_value production_cost_value overtime_cost_value purchase_cost_value inventory_value receivable_value payable_value cash_value | what the plan is worth, costs and ties up, by month and whole fiscal quarter and year
item_financials | item month | quantity revenue_value margin_value supply_revenue_value | the plan in money by item: past cycles are read with today's families
quarters | family quarter | revenue_value budget_revenue_value variance_value is_by_quarter | whole quarters, closed and planned, beside the budget
financials | family month | quantity revenue_value margin_value supply_revenue_value budgeted_revenue_value | the plan in money beside budget and last year
outlook | fiscal_year family measure | unit actual plan_to_go supplied_to_go outlook supplied_outlook budget budgeted last_year last_outlook months_closed months_to_go growth_to_date_rate growth_planned_rate growth_needed_rate | this fiscal year and the next: sold and planned, beside budget, last year and the last cycle's outlook
outlook_bridge | fiscal_year comparator step | place kind amount_value | why the company's revenue outlook differs from budget, last year and last outlook; steps add up
near_items | item | description family first_quantity second_quantity third_quantity gap revenue_value | the first three months by item
strategic_years | level member fiscal_year | basis quantity revenue_value hours regular_hours overtime_hours utilisation_rate extra_hours extra_workers | demand of the years ahead, and the hours it needs beside those there are
gaps | family month | demand supply budget gap gap_value | supply - demand (positive: surplus), and the plan beside the budget
gap_parts | against measure period item location channel family region | plan_value before_value gap_value price volume mix cost constraint undivided | each gap of what can be supplied to demand, budget and last year, by fiscal year, at the finest level both have; the parts sum to gap = plan - before
gap_tree | against measure period level member | plan_value before_value gap_value price volume mix cost constraint undivided | gap_parts summed: company, families, channels, regions; and goals of revenue
gap_mix | against measure period member | mix | the items that make most of the mix
gap_leaves | against measure period family part | amount_value owner lead_months decide_by reachable_share | each part of each family's gap: who answers, the last month in which a decision reaches half of it, and the share that one in the cycle's month reaches
gap_levels | against | mix_level | the level within which composition is mix: the widest at which mix is at most 5 % of all parts
risk_items | item location month | stockout_rate owed_quantity owed_value | chance of each item to be out of stock at the end of each month
risk_resources | resource month | overtime_rate overload_rate wanted_hours wanted_hours_upper | chance that a resource's hours do not suffice
risk_totals | period measure | planned_value mean_value value_05 value_10 value_25 value_50 value_75 value_90 value_95 needed_value chance_rate | what the months to go of each fiscal year may bring, and the chance to reach the budget
risk_levers | kind subject | change late_rate_before late_rate benefit_value cost_value net_value | where more safety stock or hours buy most
bridge |  | series_key month family cause detail change | why the demand plan moved since the last cycle: last plan plus every cause is the plan now, at each level
bridge_causes | cause detail | change | the bridge of the next twelve months, whole company, planning unit
plan_moves | family month | last_plan plan change change_value causes | how far the plan of each family and month moved since the last cycle, and why
strategy_check | kpi levels first_month | goal meaning subject owner last_month period target unit plan deliverable gap status binding takes amount_value | each goal of the sales strategy beside what demand would bring and supply delivers, what binds and what it would take; gap = deliverable - target
disconnects |  | rule subject first_month last_month finding amount_value amount_quantity talk_from talk_to talk proposal decide_by is_material | where plans contradict one another, and who should talk to whom, ranked by money
assumption_states | assumption | state finding amount_value carried_value carried_rate | assumptions held, broken, expired or untested in this cycle; carried: what people moved of the plan that broken or expired ones speak of
kpis | kpi | meaning amount unit target status | where we stand beside each goal
kpi_history | kpi cycle | amount target status | each KPI in past cycles and this one
outcomes | action | statement owner kpi meaning unit subject first_month last_month promised before after measured share verdict finding words | actions that promised to move a KPI, measured when their months are over; before: the same months of the year before, measured = after - before
undelivered | family | months first_month worst_month late_quantity late_value item to_whom agreed_share missing_value | demand that is not delivered in its month, also where sales agreed to it; missing: revenue of this fiscal year not delivered within it
changes | subject | before now change unit why | what moved since the last cycle, and why
revision_changes | measure family revision | before now change moved worst_month worst_change change_value is_latest author note reopened_at words | plans as they were closed before each reopening, beside what stands now, over the horizon; change = now - before; moved: units that come in another month beside that
register | kind name | statement owner due status finding cost_value effect_value probability_rate amount_value | decisions, actions, assumptions, risks and opportunities, carried from cycle to cycle
product_review_exceptions |  | subject finding amount_value proposal | exceptions of product_review, ranked by money
demand_review_exceptions |  | subject finding amount_value proposal | exceptions of demand_review, ranked by money
supply_review_exceptions |  | subject finding amount_value proposal | exceptions of supply_review, ranked by money
scenarios | scenario kpi | amount base_amount difference unit detail | what each scenario brings, beside the plan at least cost; difference = scenario - plan
scenario_list | scenario | title kind statement owner stands_on changes finding own_part_value | the scenarios that count in this cycle, and what each changes; own part = contribution - that of what it stands on
scenario_regret | choice outside | contribution_value regret_value weight_rate | each choice in each outside scenario; regret = best choice there - this one
scenario_facts | fact | amount kind text | figures of the scenarios' sentences
lever_choice | lever | statement owner subject effect verdict reason cost_value alone_value marginal_value first_month last_month decide_by is_chosen | levers chosen and left out, what each adds to the best set, and why
lever_effects | lever month | what subject amount_expected | what each lever would bring by month, effect times chance
lever_limits | limit | used available without_value without_used | limits of levers, and what the best set would bring without each
lever_sets | set | levers cost_value net_value closed_value lacking_value | sets of levers: the best, and the cheapest that closes the gap of the fiscal year to its budget, or closes most of it
lever_plan | kpi | amount base_amount difference unit detail expected_value | the plan at least cost with the chosen levers beside the one without
reconciliation_exceptions |  | subject finding amount_value proposal | exceptions of reconciliation, ranked by money
"""

_KNOWN_MONTH = "  known_month month: first cycle that knows the row; blank is always"
_LIMITS = {"number": (0.0, None), "signed": (None, None), "share": (0.0, 1.0)}
_LIMITS |= {"change": (-1.0, None), "positive": (5e-324, None), "quarter": (1.0, 4.0)}


def _key(text: str) -> tuple[str, ...]:
    """Column names of a key, with its short words written out."""
    short = {"levels": LEVELS, "series_key": SERIES}
    return tuple(name for word in text.split() for name in short.get(word, [word]))


def _column(line: str) -> Column:
    """A column from its line."""
    head, _, meaning = line.strip().partition(": ")
    name, kind = head.split(" ")
    kind, _, choices = kind.rstrip("}").partition("{")
    low, high = _LIMITS.get(kind, (None, None))
    return Column(
        name.rstrip("*~"),
        "number" if kind in _LIMITS else kind,
        meaning,
        "*" in name,
        low,
        high,
        tuple(choices.split(",")) if choices else (),
        "~" not in name,
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
        choice = tuple(tuple(words.split()[2:]) for words in one_of)
        lines += [_KNOWN_MONTH] if known == "standing" else []
        is_used, name = not name.endswith("~"), name.rstrip("~")
        tables[name] = Table(
            name, _key(key), _columns(lines), known, meaning, choice, group, is_used
        )
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
ENTERED = (  # what people enter through sopkit: of two rows with one key the later counts
    "submissions",
    "overrides",
    "decisions",
    "actions",
    "closings",
    "choices",
    "answers",
    "policies",
    "pulse",
)
PROCESSED = _processed_tables()


@dataclass(frozen=True)
class Setting:
    """A setting of ``company.yml``; ``least`` and ``most`` hold for numbers, also within a dict."""

    default: object
    meaning: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    is_used: bool = True


# company.yml. Any notebook parameter may stand there too.
COMPANY: dict[str, Setting] = {
    "name": Setting("Our company", "name on every page"),
    "currency": Setting("money", "reporting currency, as people write it: EUR"),
    "planning_unit": Setting(
        "units", "what quantities are called where items of several units add up"
    ),
    "fiscal_year_first_month": Setting(
        1, "first month of the fiscal year, 1 to 12; `calendar` wins", 1, 12
    ),
    "departments": Setting([], "departments that submit a view, in the order shown"),
    "horizon": Setting(
        18, "months planned ahead, 1 to 120, lengthened to the next fiscal year's end", 1, 120
    ),
    "last_closed_month": Setting(None, "last closed month, YYYY-MM, where sales run past it"),
    "unknown_sales": Setting(
        [], "silent locations, channels or months (YYYY-MM) that are not zero"
    ),
    "tolerance_rate": Setting(
        0.01, "share of money that unknown items may touch before a run stops, 0 to 1", 0, 1
    ),
    "materiality_value": Setting(
        50_000.0, "money below which an exception is counted, not shown", 0
    ),
    "service_levels": Setting(
        {"default": 0.95},
        "chance of no stock-out a replenishment cycle, by family or `default`, above 0, below 1",
        0.01,
        0.9999,
    ),
    "sales_basis": Setting(
        None,
        "what demand is: shipped (net sales) or ordered; left out: ordered where `ordered_quantity` is given",
        choices=("shipped", "ordered"),
    ),
    "strategic_years": Setting(
        3, "fiscal years that strategy looks ahead, beyond the one under way", 1, 10
    ),
    "frozen_months": Setting(
        {"default": 0},
        "months from the cycle on in which numbers of departments and overrides are refused, and "
        "supply is what is firm where `scheduled_receipts` is given; by family or `default`",
        0,
        24,
    ),
    "carrying_rate": Setting(
        0.2,
        "cost of holding stock a year, share of unit cost, where `planning_costs` has none",
        0,
        2,
    ),
    "unmet_demand": Setting(
        "backlog",
        "what becomes of demand that cannot be met: backlog (owed) or lost",
        choices=("backlog", "lost"),
    ),
    "allocation_rule": Setting(
        "contract",
        "who is served first where supply is short: contract (each channel's `contract_rate` of its "
        "demand, then priority), priority (of `channels`), fair share or margin",
        choices=("contract", "priority", "fair share", "margin"),
    ),
    "firm_months": Setting(
        {"default": 0},
        "months changed only with a reason, by family or `default`: shaded on the charts",
        0,
        24,
    ),
    "lever_budget_value": Setting(None, "money that levers may cost in all; blank: no limit", 0),
    "levers_per_owner": Setting(
        None, "levers that one owner can see through in a cycle; blank: no limit", 0
    ),
    "lever_people": Setting(
        None,
        "people who can be found in a month for the hours of levers, at `hours_per_worker`; blank: "
        "no limit",
        0,
    ),
    "coherence": Setting(
        "measured",
        "forecasts of levels and series made to add up: always, never, or measured (where the errors "
        "of past forecasts say that it pays)",
        choices=("measured", "always", "never"),
    ),
    "meetings": Setting({}, "step: working day of its meeting, such as demand_review: 8", 1, 31),
    "timeout_minutes": Setting(
        {"default": 60}, "minutes after which a step is stopped, by step or `default`", 0.01, 10_080
    ),
}
OF_RUNS = ("timeout_minutes",)  # how a run is made, not what it makes


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


_LATER = " (checked, but no figure uses it yet)"


def dictionary(*further: str) -> str:
    """The data dictionary as Markdown: every raw table, its columns, and when a row is known.

    Parameters
    ----------
    *further : str
        Sections on files that are no tables, before that on ``company.yml``.
    """
    lines = [
        "# What can stand in data/raw",
        "",
        "Generated from `sopkit/schema.py`. Only `sales` is required; each further table switches",
        "something on. A table is `<name>.csv`, `.xlsx` or `.parquet`, or one SELECT in",
        "`sources.yml`, and every `.csv` in the folder `<name>/` (in `submissions/` departments'",
        "filled-in workbooks too). What people enter is added there, a file each; of two rows with one",
        "key the later `entered_at` counts. The program never changes or removes a file here, this",
        "one apart.",
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
        lines += [] if table.is_used else ["Checked, but no page uses it yet."]
        lines += [
            f"One of {', '.join(f'`{name}`' for name in names)} is needed."
            for names in table.one_of
        ]
        lines += ["", "| column | type | meaning |", "|---|---|---|"]
        for column in table.columns:
            name = f"**{column.name}**" if column.is_required else column.name
            words = column.meaning + (", *key*" if column.name in table.key else "")
            words += "" if column.is_used else _LATER
            choices = f": {', '.join(column.choices)}" if column.choices else ""
            lines.append(f"| {name} | {column.kind} | {words}{choices} |")
    lines += [line for section in further for line in ("", section)]
    lines += ["", "## company.yml", "", "| setting | default | meaning |", "|---|---|---|"]
    lines += [
        f"| {name} | {'' if setting.default is None else setting.default} | {setting.meaning}"
        f"{'' if setting.is_used else _LATER} |"
        for name, setting in COMPANY.items()
    ]
    return "\n".join([*lines, "| any notebook parameter | | see the notebooks |", ""])
