"""Pre-S&OP: demand, supply, finance and strategy meet, and every gap gets a price.

``finance`` knows prices and costs, ``budgets`` lays the budget beside the plan, ``money`` says what
the plan is worth and ties up, ``cash`` when it comes and goes, ``outlook`` whether the year is
made, ``horizons`` whether the years ahead fit capacity; ``gaps`` lays demand, supply and budget
side by side, ``price_volume`` takes a gap apart, ``gap_tree`` every gap at every level,
``gap_leaves`` says who must act by when; ``grid`` is the S&OP grid of pages 03 to 06, ``bridge``
tells why the plan moved since the last cycle. ``disconnects`` finds where plans contradict one
another, ``goals`` defines what a sales strategy may ask for, ``strategy`` checks whether that can
be delivered; ``paths`` sends possible demand through the supply plan, ``risk`` counts what comes of
it. ``scenarios`` reads small differences on the plan (``scenario_format``: their words and what can
be wrong), ``changes`` applies them to the tables, ``wording`` tells them, ``comparison`` lays them
beside the plan, ``regret`` finds the choice that is least regretted. ``levers`` says what each
lever of the register would bring, ``closing`` finds the best set of them, ``verdicts`` why each is
chosen or left out.
"""
