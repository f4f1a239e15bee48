"""Mutations of the code, of what keeps stock and orders right: each takes one guard away."""

from tests.proof.mutations_code import Mutation

_TAKING = "shared/inventory/taking.py"
_SALES = "shared/inventory/sales.py"
_PLACEMENT = "shared/orders/placement.py"
_ORDERS_MIGRATION = "migrations/versions/2026_11_21_0950_place_orders.py"
_IN_RACES = ("tests/inventory/test_races.py", "tests/proof/test_races.py")
_IN_LEVELS = ("tests/inventory/test_levels_in_the_database.py",)
_IN_STATES = ("tests/orders/test_states.py", "tests/payments/test_attempts.py")
_IN_COMPLETION = ("tests/checkout/test_completion.py",)

STOCK = (
    Mutation(
        "that a level suffices",
        _TAKING,
        "           d.wanted <= d.held or s.allow_backorder\n               or s.on_hand",
        "           true or s.on_hand",
        ("tests/inventory/test_reservations.py", "tests/inventory/test_sales.py"),
    ),
    Mutation(
        "the safety stock",
        _TAKING,
        "+ d.freed - s.safety_stock >= d.wanted",
        "+ d.freed >= d.wanted",
        ("tests/inventory/test_reservations.py",),
    ),
    Mutation(
        "the order of the levels' locks",
        _TAKING,
        "(select * from demand order by variant_id) as d",
        "(select * from demand order by md5(variant_id::text || pg_backend_pid())) as d",
        _IN_RACES,
    ),
    Mutation(
        "the order of the reservations' locks",
        _TAKING,
        "    order by variant_id, holder_id for update\n), mine",
        "    order by md5(id::text || pg_backend_pid()) for update\n), mine",
        _IN_RACES,
    ),
    Mutation(
        "the levels' lock",
        _TAKING,
        "variant_id = d.variant_id for no key update\n",
        "variant_id = d.variant_id\n",
        _IN_RACES,
    ),
    Mutation(
        "that an expired reservation does not count",
        _TAKING,
        "or expires_at <= :now and",
        "or false and",
        ("tests/inventory/test_reservations.py", "tests/inventory/test_sales.py"),
    ),
    Mutation(
        "that a reservation counts until it expires",
        _TAKING,
        "or expires_at <= :now and",
        "or",
        ("tests/inventory/test_reservations.py",),
    ),
    Mutation(
        "that a sale uses its reservation up",
        _SALES,
        '"l.reserved - l.freed - l.held"',
        '"l.reserved - l.freed"',
        ("tests/inventory/test_reservations.py",),
    ),
    Mutation(
        "that a sale is written down",
        _SALES,
        "= m.variant_id where l.wanted > 0",
        "= m.variant_id where l.wanted < 0",
        ("tests/inventory/test_sales.py",),
    ),
    Mutation(
        "that no more comes back than went out",
        _SALES,
        "least(w.quantity, sold.quantity) as quantity",
        "w.quantity",
        ("tests/inventory/test_sales.py",),
    ),
    Mutation(
        "that a count is based on what is there",
        "shared/inventory/stock.py",
        "    where v.is_as_expected and v.is_this_version and v.suffices",
        "    where v.is_this_version and v.suffices",
        ("tests/inventory/test_stock.py",),
    ),
    Mutation(
        "that no adjustment takes what is reserved",
        "shared/inventory/stock.py",
        "allow_backorder or delta >= 0 or on_hand + delta >= reserved as suffices",
        "allow_backorder or delta >= 0 or on_hand + delta >= 0 as suffices",
        ("tests/inventory/test_stock.py",),
    ),
    Mutation(
        "the moment at which the sweep releases",
        "shared/inventory/expiry.py",
        "store_id = :store_id and expires_at <= :now order",
        "store_id = :store_id and (expires_at <= :now or true) order",
        ("tests/inventory/test_expiry.py",),
    ),
    Mutation(
        "that the sweep passes by what is in hand",
        "shared/inventory/expiry.py",
        "limit :batch for update skip locked",
        "limit :batch for update",
        ("tests/inventory/test_expiry.py",),
    ),
    *(
        Mutation(
            f"the CHECK that {what}",
            "migrations/versions/2026_11_21_0930_keep_stock.py",
            passage,
            instead,
            _IN_LEVELS,
        )
        for what, passage, instead in (
            ("reserved is not negative", "check (reserved >= 0)", "check (reserved is not null)"),
            ("reserved is on hand", "check (allow_backorder or reserved <= on_hand)", "check (reserved is not null)"),
            ("a reservation is of something", "check (quantity > 0)", "check (quantity is not null)"),
            ("an adjustment changes something", "check (delta <> 0)", "check (delta is not null)"),
        )
    ),
)

ORDERS = (
    Mutation(
        "the promised price's end",
        "shared/checkout/completion.py",
        "    if checkout.holds_until <= clock.now():",
        "    if checkout.holds_until is None:",
        _IN_COMPLETION,
    ),
    Mutation(
        "that the cart is what was priced",
        "shared/carts/converting.py",
        " and p.contents_version = :contents_version\n",
        "\n",
        _IN_COMPLETION,
    ),
    Mutation(
        "that a bought cart is closed",
        "shared/carts/filling.py",
        "token_digest = :digest and state in ('active', 'abandoned')",
        "token_digest = :digest",
        (*_IN_COMPLETION, "tests/carts/test_states.py"),
    ),
    Mutation(
        "that an edit finds its version",
        "shared/carts/filling.py",
        "(cast(:expected as bigint) is null or version = :expected)",
        "(cast(:expected as bigint) is null or true)",
        ("tests/carts/test_filling.py",),
    ),
    Mutation(
        "that numbers have no gaps",
        _PLACEMENT,
        "        records.undo(session, start)\n        return _placed_before",
        "        return _placed_before",
        ("tests/orders/test_placement.py",),
    ),
    Mutation(
        "the event of an order",
        _PLACEMENT,
        "    _tell(session, draft, placed, lines)\n",
        "",
        ("tests/orders/test_placement.py", "tests/messaging/test_confirmation.py"),
    ),
    Mutation(
        "that what was handed over is not canceled",
        "shared/orders/progress.py",
        "    if order.fulfillment_status is not FulfillmentStatus.UNFULFILLED:",
        "    if order.fulfillment_status is None:",
        ("tests/orders/test_cancellation.py",),
    ),
    Mutation(
        "that no more goes out than was ordered",
        "shared/orders/fulfillment.py",
        "        if lines[line_id].fulfilled + quantity > lines[line_id].quantity",
        "        if lines[line_id].fulfilled < 0",
        ("tests/orders/test_fulfillment.py",),
    ),
    Mutation(
        "that a canceled order expects no cash",
        "shared/checkout/cancellation.py",
        "    attempts.void_open(session, paying)\n",
        "",
        ("tests/orders/test_cancellation.py",),
    ),
    Mutation(
        "that canceled stock comes back",
        "shared/checkout/cancellation.py",
        "        sales.restock(",
        "        dict(",
        ("tests/orders/test_cancellation.py",),
    ),
    Mutation(
        "that a discount's shares add up",
        "shared/core/money.py",
        "        parts[place] += 1\n",
        "        parts[place] += 0\n",
        ("tests/core/test_money.py", "tests/pricing"),
    ),
    *(
        Mutation(
            f"the steps of {column} in {table}",
            file,
            f'    tenancy.allow_steps("{table}", "{column}", {steps})\n',
            "",
            tests,
        )
        for table, column, steps, file, tests in (
            ("orders", "status", "ORDER_STATUS", _ORDERS_MIGRATION, _IN_STATES),
            ("orders", "payment_status", "PAYMENT_STATUS", _ORDERS_MIGRATION, _IN_STATES),
            ("orders", "fulfillment_status", "FULFILLMENT_STATUS", _ORDERS_MIGRATION, _IN_STATES),
            ("payment_attempts", "status", "ATTEMPT_STATUS", _ORDERS_MIGRATION, _IN_STATES),
            (
                "carts",
                "state",
                "STATE",
                "migrations/versions/2026_11_21_0940_fill_carts.py",
                ("tests/carts/test_states.py",),
            ),
            (
                "checkouts",
                "state",
                "STATE",
                "migrations/versions/2026_11_21_1000_start_checkouts.py",
                ("tests/checkout/test_states.py",),
            ),
            (
                "outgoing_messages",
                "status",
                "STEPS",
                "migrations/versions/2026_11_21_1010_send_messages.py",
                ("tests/messaging/test_delivery.py",),
            ),
        )
    ),
)

SALES = (*STOCK, *ORDERS)
