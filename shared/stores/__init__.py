"""Stores: organizations, their stores, what a store has set, and its running numbers.

Answers for opening a store and for what every other domain asks about the present one. Knows nothing of who may enter
it: credentials belong to `identity`. May use no other domain.
"""
