"""Taking a cart, and putting things into it: each change is one update of one row.

PostgreSQL evaluates the update's expressions on the newest version of the row, so changes from two tabs both count, and
the lines that come back are those that are there.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from shared.carts import ageing, documents, goods
from shared.carts.documents import CartDocument, CartLine
from shared.carts.events import CartCreated
from shared.carts.models import MOST_LINES, MOST_OF_A_LINE
from shared.carts.schemas import Wanted
from shared.carts.viewing import CartView, view
from shared.core import audit, clock, credentials, ids, outbox, records, tenancy
from shared.core.errors import NotFound, Problem, StaleVersion
from shared.stores import queries as stores


class CartFull(Problem):
    """The cart would have more than 100 lines, or more than 1000 of one thing."""

    status = 422
    code = "cart_full"
    title = "Cart full"


_CREATE = text(f"""
insert into carts (store_id, id, token_digest, lines, created_at, updated_at, due_at)
values (:store_id, :id, :digest, cast(:lines as jsonb), :now, :now, :due_at) returning {documents.COLUMNS}
""")  # noqa: S608 -- a constant of `documents`, here and below, not a caller's text

_CHANGE = f"""
update carts set lines = %s, contents_version = contents_version + 1, version = version + 1, state = 'active',
    updated_at = :now, due_at = :due_at
where store_id = :store_id and id = :cart_id and token_digest = :digest and state in ('active', 'abandoned')
  and (cast(:expected as bigint) is null or version = :expected) and %s
returning {documents.COLUMNS}
"""  # noqa: S608 -- as above

# Adding what is there already adds the quantities, at the price that the shopper sees now.
_ADD = text(
    _CHANGE
    % (
        """case when lines @> cast(:present as jsonb) then (
            select jsonb_agg(
                case when line @> cast(:same as jsonb) then jsonb_build_object(
                    'id', line -> 'id', 'variant_id', line -> 'variant_id', 'sku', cast(:sku as text),
                    'quantity', cast(line ->> 'quantity' as bigint) + :quantity, 'price', cast(:price as bigint))
                else line end order by place)
            from jsonb_array_elements(lines) with ordinality as l (line, place))
        else lines || cast(:added as jsonb) end""",
        """case when lines @> cast(:present as jsonb) then not exists (
            select 1 from jsonb_array_elements(lines) as l (line)
            where line @> cast(:same as jsonb)
              and cast(line ->> 'quantity' as bigint) + cast(:quantity as bigint) > :most_of_a_line)
        else jsonb_array_length(lines) < :most_lines end""",
    ),
)

_SET_QUANTITY = text(
    _CHANGE
    % (
        """(select coalesce(jsonb_agg(
                case when line @> cast(:same as jsonb)
                then line || jsonb_build_object('quantity', cast(:quantity as bigint)) else line end order by place)
            filter (where :quantity > 0 or not line @> cast(:same as jsonb)), '[]')
        from jsonb_array_elements(lines) with ordinality as l (line, place))""",
        "lines @> cast(:present as jsonb)",
    ),
)


def create(session: Session, wanted: Sequence[Wanted]) -> tuple[CartView, str]:
    """Take a new cart, with first lines if there are any. Returns it with the guest's token, which is nowhere else.

    An empty cart costs one statement.

    Raises:
        NotSold: something that is wanted is not on sale.
        CartFull: several lines want more than 1000 of one thing together.
    """
    found = goods.find(session, wanted) if wanted else []
    lines: dict[UUID, CartLine] = {}
    for one, variant in zip(wanted, found, strict=True):
        before = lines.get(variant.variant_id)
        quantity = one.quantity + (before.quantity if before else 0)
        if quantity > MOST_OF_A_LINE:
            raise _full()
        line_id = before.id if before else ids.new_id()
        lines[variant.variant_id] = CartLine(line_id, variant.variant_id, variant.sku, quantity, variant.price)
    token = credentials.generate(documents.TOKEN)
    now = clock.now()
    values = {
        "store_id": tenancy.require_store(session),
        "id": ids.new_id(),
        "digest": credentials.digest(token),
        "lines": json.dumps([line.as_json() for line in lines.values()]),
        "now": now,
        "due_at": now + ageing.ABANDONED_AFTER,
    }
    cart = documents.of(records.run(session, _CREATE, values).one())
    audit.record(session, action="cart.created", entity="cart", entity_id=cart.id, after=cart.sizes)
    outbox.record(session, CartCreated(cart_id=cart.id, version=cart.version, **cart.sizes))
    return view(session, cart, known={variant.variant_id: variant for variant in found}), token


def add_line(
    session: Session, cart_id: UUID, token: str | None, wanted: Wanted, *, expected_version: int | None
) -> CartView:
    """Put so many of a variant into the cart; what is in it already becomes more. An abandoned cart is active again.

    Raises:
        NotFound: there is no such cart, or the token is another's.
        NotSold: the variant is unknown or not on sale.
        CartFull: it would have more lines, or more of one thing, than a cart holds.
        CartClosed: it is an order already, or expired.
        StaleVersion: it has another version than `expected_version`.
    """
    digest = documents.owner(token)
    asked = stores.ask_for_present_store(session)
    (variant,) = goods.find(session, [wanted])
    line = CartLine(ids.new_id(), variant.variant_id, variant.sku, wanted.quantity, variant.price)
    values = {
        **_which("variant_id", variant.variant_id),
        "added": json.dumps([line.as_json()]),
        "sku": line.sku,
        "quantity": line.quantity,
        "price": line.price,
        "most_lines": MOST_LINES,
        "most_of_a_line": MOST_OF_A_LINE,
    }
    cart = _change(session, _ADD, values, cart_id=cart_id, digest=digest, expected_version=expected_version)
    if cart is None:
        _say_why_not(session, cart_id, token, expected_version)
        raise _full()
    change = {"variant_id": ids.encode("var", line.variant_id), "sku": line.sku, "quantity": line.quantity}
    _tell(session, cart, "cart.line_added", change)
    return view(session, cart, known={variant.variant_id: variant}, asked=asked)


def set_quantity(  # noqa: PLR0913 -- the cart's id, its token and its version are one proof in three parts
    session: Session, cart_id: UUID, token: str | None, line_id: UUID, *, quantity: int, expected_version: int | None
) -> CartView:
    """Set how many of a line are wanted; none removes the line.

    Raises:
        NotFound: there is no such cart or line, or the token is another's.
        CartClosed: it is an order already, or expired.
        StaleVersion: it has another version than `expected_version`.
    """
    values = {**_which("id", line_id), "quantity": quantity}
    digest = documents.owner(token)
    cart = _change(session, _SET_QUANTITY, values, cart_id=cart_id, digest=digest, expected_version=expected_version)
    if cart is None:
        _say_why_not(session, cart_id, token, expected_version)
        detail = "The cart has no such line."
        raise NotFound(detail)
    _tell(session, cart, "cart.line_changed", {"line_id": ids.encode("cline", line_id), "quantity": quantity})
    return view(session, cart)


def _change(  # noqa: PLR0913 -- see `set_quantity`
    session: Session,
    statement: TextClause,
    values: Mapping[str, Any],
    *,
    cart_id: UUID,
    digest: bytes,
    expected_version: int | None,
) -> CartDocument | None:
    now = clock.now()
    due_at = now + ageing.ABANDONED_AFTER
    guest = {"store_id": tenancy.require_store(session), "cart_id": cart_id, "digest": digest}
    circumstances = {"expected": expected_version, "now": now, "due_at": due_at}
    row = records.run(session, statement, {**values, **guest, **circumstances}).one_or_none()
    return None if row is None else documents.of(row)


def _which(field: str, value: UUID) -> dict[str, str]:
    line = {field: str(value)}
    return {"same": json.dumps(line), "present": json.dumps([line])}


def _say_why_not(session: Session, cart_id: UUID, token: str | None, expected_version: int | None) -> None:
    cart = documents.read(session, cart_id, token)
    cart.require_open()
    if expected_version is not None and cart.version != expected_version:
        raise StaleVersion(cart.version)


def _tell(session: Session, cart: CartDocument, action: str, change: Mapping[str, Any]) -> None:
    audit.record(session, action=action, entity="cart", entity_id=cart.id, after={**change, "version": cart.version})
    outbox.record(session, cart.updated())


def _full() -> CartFull:
    detail = f"A cart has {MOST_LINES} lines at most, of {MOST_OF_A_LINE} pieces at most each."
    return CartFull(detail, most_lines=MOST_LINES, most_of_a_line=MOST_OF_A_LINE)
