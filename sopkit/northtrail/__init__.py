"""The sample company, in the order in which it comes about; ``sopkit.sample`` puts it together.

given/        what is written by hand: families, items, events, people's words; edit in any editor
catalogue.py  what is offered: items, series, prices, purchasing, exchange rates, calendar
market.py     what customers want: season, growth, events, launches, a market that leads
supply.py     what is made and delivered: hours, stock-outs, queues, stock, receipts
people.py     what people say: budget, departments' numbers, overrides, finance's totals
"""
