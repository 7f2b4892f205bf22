"""The six steps of the cycle as data: notebook, what each reads and writes.

``steps`` holds the function of each; ``cycle`` runs them, ``store`` hands a step exactly the tables
declared here, so that a skip by hash cannot be wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sopkit import months, schema
from sopkit.contract import nearest

_OF_MEETINGS = ("closings", "choices", "answers", "pulse")
# raw tables that reach the plan through the data review; the others it reads to check and list
THROUGH_DATA = (
    "sales items locations channels prices rates calendar controls plan_history events market"
).split()
_PLANS = tuple(
    "demand_plan supply_plan inventory_projection item_financials financials restatements".split()
)


@dataclass(frozen=True)
class Step:
    """A step of the cycle: notebook, what it reads (raw, processed, past cycles) and writes.

    ``ledger`` tables come of all past cycles, ``previous`` ones of the last cycle alone;
    ``running`` ones are raw rows up to the month under way, which no other step may see; ``files``
    are folders of files that are no tables, and ``decided`` the scenarios that were chosen;
    ``revisions`` tables of this cycle come as they were closed before each reopening.
    """

    name: str
    notebook: str
    title: str
    raw: tuple[str, ...]
    processed: tuple[str, ...]
    ledger: tuple[str, ...]
    writes: tuple[str, ...]
    previous: tuple[str, ...] = ()
    running: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    revisions: tuple[str, ...] = ()


# A step: name | notebook | title. Below it what it reads (raw tables, this cycle's processed
# tables, past cycles' tables) and what it writes. `all` = every raw table but those that only
# meetings after the data review fill, `plans` = _PLANS.
_STEPS = """
data_review | 01_data_review | Data review
  raw: all
  processed: findings
  ledger: demand_plan restatements views override_changes forecast supply_plan
    inventory_projection
  previous: demand_history known_members forecast
  running: sales
  writes: data_review_facts arrivals findings demand_history corrections money_rates planning_units
    control_totals known_members restatements waterfall lag_accuracy tracking_signals bound_accuracy
    value_added touches author_skill plan_attainment market_watch lost_sales
    correction_totals driver_effects market_rates origin_rates promotion_returns
product_review | 02_product_review | Product review
  raw: items launches inventory scheduled_receipts components suppliers routings resources
    production events
  processed: demand_history money_rates planning_units restatements
  ledger: demand_plan restatements
  previous: demand_plan resource_load
  writes: product_review_facts classes demand_kinds lifecycle product_review_exceptions launch_ramps
    launch_status launch_tracking phase_outs
demand_review | 03_demand_review | Demand review
  files: decided
  raw: items locations channels submissions overrides events assumptions production inventory
    rates orders answers launches prices policies
  processed: demand_history money_rates planning_units restatements value_added author_skill
    driver_effects market_rates origin_rates promotion_returns
  ledger: plans
  writes: demand_review_facts forecast backtest accuracy model_weights fallbacks forecast_reasons
    error_widths error_multiples one_step_errors views view_status view_assumptions view_skill
    event_effects numbers_taken override_effects override_changes demand_plan
    sop_grid_demand demand_review_exceptions agreed coherence coherence_locks growth_layers
    launch_totals model_choices
supply_review | 04_supply_review | Supply review
  files: decided
  raw: items locations inventory scheduled_receipts production resources capacity routings
    suppliers planning_costs calendar rates orders components channels launches answers
  processed: demand_history money_rates planning_units restatements forecast error_widths
    error_multiples one_step_errors demand_plan agreed
  ledger: plans
  writes: supply_review_facts supply_plan inventory_projection resource_load production_strategies
    supply_costs strategy_months hour_values service_frontier stock_health stock_by_family
    deliveries sop_grid_supply supply_review_exceptions allocation allocation_rules
    shortages shortage_moves feedback feedback_rounds requirements purchase_orders
    late_components late_launches
reconciliation | 05_reconciliation | Reconciliation
  raw: items levers locations channels suppliers components production inventory scheduled_receipts
    resources capacity routings planning_costs calendar orders prices budget targets market rates
    events launches assumptions risks
  files: scenarios decided
  processed: demand_history money_rates planning_units restatements forecast error_widths
    error_multiples one_step_errors demand_plan supply_plan supply_costs inventory_projection
    resource_load deliveries model_weights views view_skill override_changes event_effects feedback
    purchase_orders late_launches agreed driver_effects market_rates
  ledger: plans
  previous: demand_history model_weights views view_skill override_changes known_members outlook
    forecast
  writes: reconciliation_facts bridge bridge_causes plan_moves plan_money money_by_level
    item_financials financials closed_financials quarters outlook outlook_bridge gaps gap_parts
    gap_tree gap_mix gap_leaves gap_levels assumption_states strategy_check disconnects scenarios
    scenario_list scenario_regret scenario_facts risk_items risk_resources risk_totals risk_levers
    near_items strategic_years lever_choice lever_effects lever_limits lever_sets
    lever_plan sop_grid reconciliation_exceptions cash_flow
executive_review | 06_executive_review | Executive review
  files: decided
  raw: items locations channels sales inventory market rates targets decisions options choices
    actions risks closings pulse
  processed: data_review_facts demand_history money_rates planning_units accuracy lag_accuracy
    plan_attainment view_status demand_plan supply_plan inventory_projection resource_load
    deliveries financials closed_financials outlook outlook_bridge bridge scenarios sop_grid
    reconciliation_exceptions supply_review_exceptions assumption_states feedback
  ledger: kpis
  revisions: demand_plan supply_plan inventory_projection
  writes: executive_review_facts kpis kpi_history outcomes register decision_options undelivered
    changes revision_changes
"""


def _steps() -> tuple[Step, ...]:
    made = []
    for block in re.split(r"\n(?=\S)", _STEPS.strip()):
        head, *parts = re.split(r"\n  (?=\S)", block)
        words = {name: text.split() for name, _, text in (part.partition(":") for part in parts)}
        if words["raw"] == ["all"]:
            words["raw"] = [name for name in schema.RAW if name not in _OF_MEETINGS]
        words["ledger"] = list(_PLANS) if words["ledger"] == ["plans"] else words["ledger"]
        made.append(Step(*head.split(" | "), **{name: tuple(w) for name, w in words.items()}))
    return tuple(made)


STEPS = _steps()


def step(name: str) -> Step:
    """The step of that name.

    Raises
    ------
    UsageError
        If there is none.
    """
    for known in STEPS:
        if known.name == name:
            return known
    words = nearest(name, [known.name for known in STEPS])
    raise months.UsageError(f"no step {name!r}. {words}")


def rests_on(name: str) -> tuple[str, ...]:
    """Steps whose tables a step reads, directly or through another, in order.

    Examples
    --------
    >>> rests_on("supply_review")
    ('data_review', 'demand_review')
    """
    read, found = set(step(name).processed) - set(step(name).writes), []
    before = STEPS[: STEPS.index(step(name))]
    for earlier in reversed(before):
        if read.intersection(earlier.writes):
            found.append(earlier.name)
            read |= set(earlier.processed)
    return tuple(reversed(found))


def dependents(name: str) -> tuple[str, ...]:
    """Steps that rest on a step, in order."""
    return tuple(later.name for later in STEPS if name in rests_on(later.name))
