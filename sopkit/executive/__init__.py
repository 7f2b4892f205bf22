"""Executive review: where we stand beside the goals, and what is to be decided.

``kpis`` measures and compares with targets; ``assumptions`` says which still hold; ``register``
carries decisions, actions and assumptions.
"""
