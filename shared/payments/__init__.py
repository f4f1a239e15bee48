"""Payments: every attempt to pay for an order, with whom, and what came of it.

Answers for the attempts and for the gateways to those who move the money. Knows an order by its id and amount alone,
and never imports `orders`: what a payment means for an order is decided in `checkout`. May use `stores`.
"""
