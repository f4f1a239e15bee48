"""Orders: what was bought, frozen at the moment of buying, and what became of it since.

Answers for placing, reading, canceling and fulfilling an order, and for the link by which a guest reads theirs. Takes
no money: how an order is paid is `payments`' business, what follows from it for both is decided in `checkout`. May use
`pricing`, `inventory`, `catalog`, `messaging` and `stores`.
"""
