"""Demand review: what customers will want, and how sure we are.

``history`` cleans sales into demand, ``classification`` says how each series behaves, ``panel``
and ``smoothing`` hold the models on all series at once, ``forecasting`` has the verbs (backtest,
combine, forecast), ``intervals`` the uncertainty, ``hierarchy`` adds up and spreads down,
``accuracy`` measures, ``submissions`` lays departments' views on the plan's keys and ``consensus``
makes one number of them.
"""
