"""Explorers for analysts: ipywidgets over the same steps, charts and exhibits as the pages.

``frame``: what all share: controls, one layout, links, downloads, long work with a Stop button.
``accuracy``: how wrong, where, since when, who was better; models and past plans in two tabs.
``ledger`` reads them, ``cube`` adds up any slice in milliseconds, ``errors`` says what is seen.
``overrides``: the plan by family and month, changed by hand, with what it does and past skill.
``scenarios``: the plan made anew for other demand, hours or costs, saved as a scenario;
``scenario_view`` is what it shows.
``choosing``: another model tried on any slice beside the combination, and kept.
``workshop``: one series through statsmodels, beside the panel's answer.
``lines``: narrowing, choosing and answering lines; ``history``: corrections of the history,
``feedback``: lines that supply sends back to sales.
"""
