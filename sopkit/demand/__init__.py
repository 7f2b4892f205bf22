"""Demand review: what customers will want, and how sure we are.

``history`` cleans sales into demand, ``classification`` says how each series behaves. Models on all
series of a ``panel`` at once stand in ``smoothing``, ``seasons``, ``regression`` and
``intermittent``; ``forecasting`` has the verbs (backtest, forecast), ``combining`` says how much
each model counts, ``explaining`` why, ``intervals`` how sure, as ``calibration`` learned it; all of
it works on parts of a portfolio, which ``apart`` calls. ``hierarchy`` adds up and spreads down;
``levels`` are forecast too and made ``coherence`` of (``summing``, ``interior``, ``locks``),
``accuracy`` measures; ``drivers`` says what events and market series did to demand (on
``driver_groups``, by ``driver_model``, ``market_leads`` and ``event_rates``), ``promotions``
whether they paid, ``as_sold`` what past plans would have told. ``submissions`` lays departments'
views on the plan's keys,
``overrides`` applies what people change by hand, and ``consensus`` makes one number of forecast,
events, departments and overrides; ``launches`` plans new items from their like items, as
``ramps`` of past launches grew, ``launch_bounds`` says how sure that is, ``launch_status`` what is
not ready, ``launch_tracking`` how recent ones run, ``phase_outs`` what items that end leave over.
``agreed`` says what of the number sales promises. ``nesting`` says which number of a
department is a total of which, ``taken`` what each did to the plan, ``guards`` which overrides will
not count. The ledger: ``lags`` lays out every layer of every past cycle beside what came,
``lag_accuracy`` says how far off it was, ``value_added`` who made it better, ``watch`` what the
running month says already. The workshop of one series: ``single_series`` takes it from the tables,
``decomposing``, ``event_sizes``, ``single_models`` and ``diagnostics`` ask statsmodels,
``workshop`` compares.
"""
