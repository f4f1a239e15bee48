"""Mutations of the code, of what keeps callers and repetitions apart: each takes one guard away.

A mutation is one passage and what stands there instead; `tests/proof/test_mutations.py` holds that each passage is
there exactly once, and that the tests named are there.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One guard taken away. `tests` are files or single tests of them; one that fails is enough."""

    name: str
    file: str
    passage: str
    instead: str
    tests: tuple[str, ...]


_HTTP = "shared/core/http.py"
_IDEMPOTENCY = "shared/core/idempotency.py"
_ORDERS_MIGRATION = "migrations/versions/2026_11_21_0950_place_orders.py"
_PEOPLE_MIGRATION = "migrations/versions/2026_11_21_1150_let_people_in.py"
_UNREVOKED = " and c.revoked_at is null"
_UNEXPIRED = "\n      and (c.expires_at is null or c.expires_at > present)"
_OF_AN_ACTIVE_STORE = " and s.status = 'active'"
_STRANGERS = "test_a_route_opens_to_its_own_store_and_to_no_stranger"
_SUSPENDED = "test_the_credentials_of_a_store_that_was_suspended_open_nothing"
_IN_HTTP = ("tests/core/test_http.py",)
_IN_COMPLETION = ("tests/checkout/test_completion.py",)

CALLERS = (
    Mutation(
        "the check of permissions",
        "shared/core/authentication.py",
        "    if endpoint.permission is not None and not caller.principal.may(endpoint.permission):",
        "    if endpoint.permission == '':",
        ("tests/identity/test_tokens.py",),
    ),
    Mutation(
        "the second look at a credential that is remembered",
        "shared/core/authentication.py",
        "    if [_lasting(session, name, row) for row in rows] != [remembered]:",
        "    if [_lasting(session, name, row) for row in rows] == [name]:",
        ("tests/core/test_remembered_credentials.py",),
    ),
    Mutation(
        "the second look where nothing was read",
        _HTTP,
        "                tenancy.settle(session)  #",
        "                pass  #",
        ("tests/core/test_remembered_credentials.py",),
    ),
    Mutation(
        "what a principal was granted",
        "shared/core/principal.py",
        "        return permissions.allows(self.scopes, permission)",
        "        return bool(permission)",
        ("tests/core/test_permissions.py",),
    ),
    *(
        Mutation(
            f"{what} of a {credential}",
            _PEOPLE_MIGRATION,
            f"c.kind = '{kind}'{_UNREVOKED}{_UNEXPIRED}{_OF_AN_ACTIVE_STORE}",
            f"c.kind = '{kind}'{instead}",
            (f"tests/tenancy/test_walls.py::{test}",),
        )
        for kind, credential, route in (
            ("sk", "secret token", "catalog-list-brands"),
            ("pk", "publishable key", "search-browse-brands"),
        )
        for what, instead, test in (
            ("the revocation", f"{_UNEXPIRED}{_OF_AN_ACTIVE_STORE}", f"{_STRANGERS}[{route}]"),
            ("the end", f"{_UNREVOKED}{_OF_AN_ACTIVE_STORE}", f"{_STRANGERS}[{route}]"),
            ("the store's suspension", f"{_UNREVOKED}{_UNEXPIRED}", _SUSPENDED),
        )
    ),
    Mutation(
        "the cart's token on reading",
        "shared/carts/documents.py",
        " and id = :cart_id and token_digest = :digest",
        " and id = :cart_id",
        ("tests/carts/test_filling.py",),
    ),
    Mutation(
        "the cart's token on a change",
        "shared/carts/filling.py",
        "id = :cart_id and token_digest = :digest and state",
        "id = :cart_id and state",
        ("tests/carts/test_filling.py",),
    ),
    Mutation(
        "the cart's token on completing",
        "shared/checkout/completion.py",
        "id = :checkout_id and owner_digest = :digest and state",
        "id = :checkout_id and state",
        _IN_COMPLETION,
    ),
    Mutation(
        "the cart's token on giving up",
        "shared/checkout/giving_up.py",
        "id = :checkout_id and owner_digest = :digest and state",
        "id = :checkout_id and state",
        ("tests/checkout/test_starting.py", "tests/checkout/test_completion.py"),
    ),
    Mutation(
        "the signature of a guest's link",
        "shared/orders/guest_links.py",
        "    if not hmac.compare_digest(signature, _signature(store_id, order_id, moment)):",
        "    if not signature:",
        ("tests/orders/test_guest_links.py",),
    ),
    Mutation(
        "the end of a guest's link",
        "shared/orders/guest_links.py",
        '"big"), UTC) <= clock.now():',
        '"big"), UTC) <= datetime.fromtimestamp(0, UTC):',
        ("tests/orders/test_guest_links.py",),
    ),
    Mutation(
        "the edge's secret",
        "shared/core/edge.py",
        "    if settings().origin_secret is not None and not _came_through(request):",
        "    if settings().origin_secret == '':",
        ("tests/core/test_edge.py",),
    ),
    Mutation(
        "how many checkouts one phone may hold",
        "shared/checkout/starting.py",
        "where of_contact < :most_of_contact and of_ip",
        "where :most_of_contact > 0 and of_ip",
        ("tests/checkout/test_starting.py",),
    ),
)

REPETITIONS = (
    Mutation(
        "the claim of an idempotency key",
        _HTTP,
        "        if key is None or self.caller is None:\n            return None",
        "        return None",
        _IN_HTTP,
    ),
    Mutation(
        "the claim's lock",
        _IDEMPOTENCY,
        "    select pg_try_advisory_xact_lock(hashtextextended(:lock, 0)) as got",
        "    select :lock <> '' as got",
        ("tests/core/test_idempotency.py",),
    ),
    Mutation(
        "that a key is for one request",
        _IDEMPOTENCY,
        "    if found.fingerprint != fingerprint:",
        "    if not found.fingerprint:",
        _IN_HTTP,
    ),
    Mutation("that a kept refusal is undone", _HTTP, "            records.undo(session, start)\n", "", _IN_HTTP),
    Mutation(
        "that a change without an audit entry is a bug",
        _HTTP,
        "        if unaudited and response.status_code < 400:",
        "        if unaudited and response.status_code < 0:",
        _IN_HTTP,
    ),
    Mutation(
        "that an answer is kept encrypted",
        _IDEMPOTENCY,
        'encryption.encrypt(claimed.store_id, _COLUMN, headers + b"\\n" + answer.body)',
        'headers + b"\\n" + answer.body',
        _IN_HTTP,
    ),
    Mutation(
        "that a consumer takes an event once",
        "shared/core/consumers.py",
        "        if session.execute(_MARK, mark).first() is not None:",
        "        if session.execute(_MARK, mark) is not None:",
        ("tests/core/test_relay.py",),
    ),
    Mutation(
        "the lease of a claimed event",
        "shared/core/relay.py",
        "(o.claimed_until is null or o.claimed_until < :now)",
        "(o.claimed_until is null or o.claimed_until < :now or true)",
        ("tests/core/test_relay.py",),
    ),
    Mutation(
        "that a checkout is completed once",
        "shared/checkout/completion.py",
        "owner_digest = :digest and state = cast(:open as text)",
        "owner_digest = :digest and state <> 'canceled'",
        _IN_COMPLETION,
    ),
    Mutation(
        "that a checkout makes one order",
        _ORDERS_MIGRATION,
        "            constraint orders_checkout_key unique (store_id, checkout_id),\n",
        "",
        ("tests/orders/test_placement.py",),
    ),
    Mutation(
        "that a cart makes one order",
        _ORDERS_MIGRATION,
        "            constraint orders_cart_key unique (store_id, cart_id),\n",
        "",
        ("tests/orders/test_placement.py",),
    ),
    Mutation(
        "that an order has one open attempt",
        _ORDERS_MIGRATION,
        "create unique index payment_attempts_one_open",
        "create index payment_attempts_one_open",
        ("tests/payments/test_attempts.py",),
    ),
    Mutation(
        "the lock of an order",
        "shared/orders/queries.py",
        "select(Order).where(Order.id == order_id).with_for_update()",
        "select(Order).where(Order.id == order_id)",
        ("tests/orders/test_cancellation.py", "tests/orders/test_collection.py", "tests/orders/test_fulfillment.py"),
    ),
)

WALLS = (*CALLERS, *REPETITIONS)
