"""Identity: who may enter a store. For now its credentials: publishable keys and secret API tokens with scopes.

Answers for making, listing and revoking credentials. Resolving one on a request is `core.authentication`'s work, by a
look-up function over this domain's table. May use `stores`.
"""
