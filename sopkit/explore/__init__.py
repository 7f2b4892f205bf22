"""Explorers for analysts: ipywidgets over the same steps, charts and exhibits as the pages.

``accuracy``: error by level, group, model and months ahead, and the history with its forecast.
``past``: its second tab, plans of past cycles by slice and layer; ``ledger`` holds the figures.
``overrides``: the plan by family and month, changed by hand, with what it does and past skill.
``scenarios``: the plan made anew for other demand, hours or costs, saved as a scenario;
``scenario_view`` is what it shows.
``choosing``: another model tried on any slice beside the combination, and kept.
``workshop``: one series through statsmodels, beside the panel's answer.
``feedback``: lines that supply sends back to sales, accepted or refused.
"""
