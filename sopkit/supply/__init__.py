"""Supply review: what can be made and stored, within capacity, lead times and stock.

Tables become a problem in arrays, every strategy answers it with a plan, and any plan is priced
alike. ``sites`` says who stocks what for whom, ``inventory`` sets and judges stock, ``capacity``
turns units into hours, ``materials`` bills of material into what there can be of each component,
``issues`` follows what production takes of them. ``tasks`` holds the problem, ``plans`` the answer
and its cost (``costing`` takes that cost apart by item), ``strategies`` the ways to supply (chase,
level, hybrid, least cost), ``programme`` the linear programme of a task, ``least_cost`` its solver
and session, ``offers`` what more hours and sales would save in it, ``families`` the road for
portfolios too large to plan items at once; ``shortages`` lists what cannot be met, ``attainment``
whether past plans were kept.
"""
