"""sopkit: raw tables go in at the left, a meeting pack comes out at the right.

Rooms are the meetings of the cycle, in the order in which numbers flow through them:
``demand`` → ``supply`` → ``reconciliation`` → ``executive``. They talk by tables, and ``steps`` is
where the tables are handed on. Start reading there; ``schema`` names every table.
"""
