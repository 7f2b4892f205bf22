"""Demand review: what customers will want, and how sure we are.

``history`` cleans sales into demand, ``classification`` says how each series behaves. Models on all
series of a ``panel`` at once stand in ``smoothing``, ``seasons``, ``regression`` and
``intermittent``; ``forecasting`` has the verbs (backtest, forecast), ``combining`` says how much
each model counts, ``explaining`` why, ``intervals`` how sure. ``hierarchy`` adds up and spreads
down, ``accuracy`` measures, ``submissions`` lays departments' views on the plan's keys,
``overrides`` applies what people change by hand, and ``consensus`` makes one number of forecast,
events, departments and overrides; ``launches`` plans new items from their like items, as
``ramps`` of past launches grew, ``launch_bounds`` says how sure that is, ``launch_status`` what is
not ready, ``launch_tracking`` how recent ones run, ``phase_outs`` what items that end leave over.
``agreed`` says what of the number sales promises. ``nesting`` says which number of a
department is a total of which, ``taken`` what each did to the plan, ``guards`` which overrides will
not count. The ledger: ``lags`` lays out every layer of every past cycle beside what came,
``lag_accuracy`` says how far off it was, ``value_added`` who made it better, ``watch`` what the
running month says already.
"""
