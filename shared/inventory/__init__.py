"""Inventory: how much of a variant there is, what of it is promised, and how it came to be so.

Answers for stock levels, the history of their adjustments, reservations of checkouts, sales and what comes back. A
sale never takes what is not there: rows are locked in the order of variants, changed by conditional updates, and held
by CHECKs beneath. Stands on `catalog`; knows nothing of carts and orders but their ids. May use `catalog`, `stores`.
"""
