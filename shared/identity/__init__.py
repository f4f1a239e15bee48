"""Identity: who somebody is, and by what they are let in: people with their sessions, and a store's credentials.

Answers for signing up and in, for sessions and how one proves who one is, and for publishable keys and secret API
tokens with scopes: made, rotated, listed, revoked. Letting a request in is `core.authentication`'s work, by look-up
functions over this domain's tables; what people may do, and where, is `organizations`'. May use `messaging` and
`stores`.

Ways in, and what guards each (a test holds the list): address and password (`signing_in`; argon2id, three limits, and
the second factor of who has one); a mailed link with the password of the sign-up (`signing_up`; once, 24 hours); an
account at another issuer that is linked to the person (`oidc`; PKCE, state and nonce in this browser, and the second
factor all the same). A reset password (`password_change`) signs nobody in. A token lets a program in (`tokens`), cut by
what its maker may do. Customers of a store have their own (`customers`).
"""
