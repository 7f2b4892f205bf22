"""Explorers for analysts: ipywidgets over the same steps, charts and exhibits as the pages.

``accuracy``: error by level, group, model and months ahead, and the history with its forecast.
``scenarios``: the supply plan made anew for other hours, demand or costs, before and after.
"""
