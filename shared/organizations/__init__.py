"""Organizations: who works for a merchant, and what each of them may do.

Answers for opening an organization and its further stores, for members and their roles, the merchant's own roles,
exceptions to a role, invitations, ownership, and for the report of who may do what. What a caller may do at a request
is resolved by look-ups over this domain's tables (see `core.authentication`). May use `identity`, `messaging` and
`stores`.
"""
