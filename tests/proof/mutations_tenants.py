"""Mutations of the code, of what keeps stores apart outside the database: each takes one guard away."""

from tests.proof.mutations_code import Mutation

_TENANCY = "shared/core/tenancy.py"
_IN_TENANCY = ("tests/core/test_tenancy.py",)
_IN_FILTER = ("tests/tenancy/test_filter.py",)
_IN_EDGE = ("tests/search/test_edge.py",)
_KEPT = "shared/core/caching.py"
_IN_TAGS_AND_LINKS = ("tests/tenancy/test_tags_and_links.py",)
_FILES = "shared/core/storage_files.py"
_IN_STORAGE = ("tests/core/test_storage.py",)

SESSIONS = (
    *(
        Mutation(f"the ORM's filter by {tenant}", _TENANCY, f"    if {kind} in kinds:", "    if not kinds:", tests)
        for tenant, kind, tests in (
            ("store", "StoreOwned", _IN_TENANCY),
            ("organization", "OrganizationOwned", _IN_FILTER),
            ("person", "PersonOwned", _IN_FILTER),
        )
    ),
    Mutation(
        "the ORM's refusal without a store",
        _TENANCY,
        "    tenant_id = require_store(state.session)\n    if state.is_column_load",
        "    tenant_id = store_of(state.session)\n    if tenant_id is None or state.is_column_load",
        _IN_TENANCY,
    ),
    Mutation(
        "the stamp on new rows",
        _TENANCY,
        "    store_id: Mapped[UUID] = mapped_column(primary_key=True, default=bound_store, sort_order",
        "    store_id: Mapped[UUID] = mapped_column(primary_key=True, sort_order",
        (*_IN_TENANCY, "tests/core/test_http.py"),
    ),
    Mutation(
        "the check of a row's stamp",
        _TENANCY,
        "            elif owner != store_id:",
        "            elif not store_id:",
        _IN_TENANCY,
    ),
    Mutation(
        "the binding of the transaction",
        _TENANCY,
        "    prelude(session, f\"set local app.store_id = '{store_id}'\")",
        "    return",
        _IN_TENANCY,
    ),
    Mutation(
        "that a binding ends with its transaction",
        _TENANCY,
        "set local app.store_id",
        "set app.store_id",
        (*_IN_TENANCY, "tests/tenancy/test_watch.py"),
    ),
    Mutation(
        "the store of a message",
        "shared/core/consumers.py",
        "    with database.transaction(message.store_id) as session:",
        "    with database.transaction() as session:",
        ("tests/core/test_relay.py", "tests/tenancy/test_jobs.py"),
    ),
)

SECRETS = (
    Mutation(
        "the store in what encryption authenticates",
        "shared/core/encryption.py",
        "    return header + store_id.bytes + column.encode()",
        "    return header + column.encode()",
        ("tests/core/test_encryption.py",),
    ),
    Mutation(
        "the column in what encryption authenticates",
        "shared/core/encryption.py",
        "    return header + store_id.bytes + column.encode()",
        "    return header + store_id.bytes",
        ("tests/core/test_encryption.py",),
    ),
    Mutation(
        "the store in what signs a guest's link",
        "shared/orders/guest_links.py",
        "encryption.blind_index(store_id, _PURPOSE,",
        "encryption.blind_index(UUID(int=0), _PURPOSE,",
        _IN_TAGS_AND_LINKS,
    ),
)

EDGE = (
    Mutation(
        "the store in the tag of all it shows",
        _KEPT,
        "    return f\"store:{ids.encode('store', store_id)}\"",
        "    return f\"store:{ids.encode('store', UUID(int=0))}\"",
        ("tests/core/test_caching.py",),
    ),
    *(
        Mutation(
            f"the store in the tag of {what}",
            "shared/search/surrogates.py",
            passage,
            passage.replace("store_id", "UUID(int=0)"),
            _IN_TAGS_AND_LINKS,
        )
        for what, passage in (
            ("its lists", "    return f\"list:{ids.encode('store', store_id)}\""),
            ("its lists by price", "    return f\"{EVERY_LIST}:{ids.encode('store', store_id)}\""),
            ("its groups", "    return f\"groups:{ids.encode('store', store_id)}\""),
        )
    ),
    Mutation("the host in the edge's key", _KEPT, "CURRENCY, HOST, STORE)", "CURRENCY, STORE)", _IN_EDGE),
    Mutation("the publishable key in the edge's key", _KEPT, "CURRENCY, HOST, STORE)", "CURRENCY, HOST)", _IN_EDGE),
)

FILES = (
    Mutation(
        "the store in the key of an object",
        "shared/core/storage.py",
        '"/".join((str(store_id), *parts))',
        '"/".join((str(UUID(int=0)), *parts))',
        _IN_STORAGE,
    ),
    Mutation(
        "the store whose files are removed, on a laptop",
        _FILES,
        "        folder = self._folder / bucket / str(store_id)",
        "        folder = self._folder / bucket",
        _IN_STORAGE,
    ),
    Mutation(
        "the store whose files are removed, in S3",
        "shared/core/storage_s3.py",
        'Prefix=_prefixed(bucket, f"{store_id}/")',
        'Prefix=_prefixed(bucket, "")',
        _IN_STORAGE,
    ),
)

TENANTS = (*SESSIONS, *SECRETS, *EDGE, *FILES)
