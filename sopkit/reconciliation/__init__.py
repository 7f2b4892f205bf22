"""Pre-S&OP: demand, supply, finance and strategy meet, and every gap gets a price.

``finance`` puts a plan in money, ``gaps`` lays demand, supply and budget side by side, ``grid`` is
the S&OP grid of pages 03 to 06, ``bridge`` tells why the plan moved since the last cycle.
``disconnects`` finds where plans contradict one another, ``goals`` defines what a sales strategy
may ask for, ``strategy`` checks whether that can be delivered.
"""
