"""Checkout: from a cart to an order, and what has to happen to orders and payments together.

Answers for starting a checkout (priced, and its stock reserved), its completion, orders that integrations place in one
call, and for canceling and collecting, which touch an order, its stock and its payments at once. Stands above `orders`,
`payments`, `carts`, `inventory` and `pricing`, so that none of them has to know the others.

Which price holds: the checkout's, until its reservation expires. After that, completion prices anew; what differs is
shown and refused, and starting the checkout again accepts it.
"""
