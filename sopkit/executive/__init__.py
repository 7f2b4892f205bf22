"""Executive review: where we stand beside the goals, and what is to be decided.

``measures`` holds what KPIs are made of, ``kpis`` their definitions as data, ``standing`` tells
each beside its target and the last cycles; ``outcomes`` measures what became of promises;
``assumptions`` says which still hold; ``register`` carries them, decisions, actions and risks;
``briefing`` tells in a few rows what cannot be delivered and what changed. ``approval`` says which
step is closed and what that freezes, ``revisions`` what a reopening changed.
"""
