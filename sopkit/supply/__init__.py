"""Supply review: what can be made and stored, within capacity, lead times, materials and stock.

Tables become a problem in arrays, every strategy answers it with a plan, and any plan is priced
alike. ``sites`` says who stocks what for whom, ``inventory`` sets and judges stock, ``capacity``
turns units into hours, ``materials`` bills into what there can be of each component. ``tasks``
holds the problem (``issues``: what production takes of materials), ``plans`` the answer and its
cost (``costing`` takes that cost apart by item), ``strategies`` the ways to supply (chase, level,
hybrid, least cost), ``programme`` the linear programme of a task, ``least_cost`` its solver and
session, ``offers`` what more hours and sales would save in it, ``families`` the road for portfolios
too large to plan items at once.

When it does not fit: ``slack`` is what a plan leaves free, ``shortages`` what cannot be met,
``causes`` why, ``remedies`` what could be done, ``allocation`` who gets what there is, ``feedback``
what of it goes back to sales line by line, ``answers`` what sales says to it. ``attainment``: were
past plans kept?

What is bought: ``explosion`` says what parts a plan needs, ``sourcing`` who delivers them,
``ordering`` what to order of whom, ``purchasing`` lays that out for the buyer, ``readiness`` finds
launches before their parts.
"""
