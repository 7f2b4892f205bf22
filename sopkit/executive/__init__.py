"""Executive review: where we stand beside the goals, and what is to be decided.

``measures`` holds what KPIs are made of, ``kpis`` their definitions as data, their state and their
history; ``outcomes`` measures what became of promises; ``assumptions`` says which still hold;
``register`` carries decisions, actions and risks too; ``briefing`` tells in a few rows what
cannot be delivered and what changed.
"""
