"""Charts: one function a chart, a file a meeting; tables in, a matplotlib Figure out.

``data`` history, what cleaning changed, accuracy of past plans; ``product`` where the money sits,
what comes and goes; ``demand`` the plan, its evidence and people's part in it; ``supply`` stock,
hours, ways to supply and their cost; ``purchasing`` what to order of whom by when, and cash;
``reconciliation`` demand, supply, budget and last year in money; ``executive`` plan beside budget;
``accuracy`` one series' forecasts for explorers, ``workshop`` what a series is made of. Each gives
None where its input is empty. ``behind`` reads the figures of a chart back from what was drawn.
``_style`` holds what they share: the fixed look of what is shown, amounts as text, drawing over
months; ``_dark`` the colours of dark screens.
"""
