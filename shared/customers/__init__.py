"""Customers: the accounts that shoppers have in one store, and what they may see and change by them.

Answers for proving a contact by a code, signing in by code or password, sessions and their tokens, the account with its
addresses and orders, and what the merchant may do to it. A customer of one store is nobody in another, whatever they
have in common. May use `orders` (whose orders those are), `checkout` (how an address is written), `messaging` and
`stores`; nothing below knows more of a customer than their id.

An account begins with a contact that was proven, and has no other kind: so none can be squatted, registering and
signing in by code are one act, and what is answered before the proof is the same for everybody.
"""
