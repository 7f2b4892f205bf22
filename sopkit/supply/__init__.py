"""Supply review: what can be made and stored, within capacity, lead times and stock.

``inventory`` projects stock and sets its targets, ``capacity`` turns units into hours,
``strategies`` plans production (chase, level) and says what each way costs.
"""
