"""Declaring whole products with what of them is on the shelf: the way of imports, batches and every single edit.

A batch takes as many statements as one product does. What speaks against a document stops that one alone. Only where
something happens at the very same moment (a SKU is taken between look and write) is a batch done over one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from shared.catalog import declaring
from shared.catalog.declaring.changes import Action, ProductChange
from shared.catalog.documents import ProductDocument
from shared.core import records, tenancy
from shared.core.errors import Problem
from shared.core.principal import Principal
from shared.inventory import shelving
from shared.inventory.models import AdjustmentKind
from shared.stores.queries import StoreFacts, present_store

__all__ = ["Action", "Manner", "Outcome", "declare_product", "declare_products"]


@dataclass(frozen=True)
class Outcome:
    """What became of one document."""

    index: int  # of the document in its batch
    product_id: UUID | None  # None: it failed
    action: Action
    problem: Problem | None = None  # why it failed


@dataclass(frozen=True)
class Manner:
    """How products are declared: by whom (None is the system itself), and how that is put down in the history."""

    by: Principal | None
    kind: AdjustmentKind = AdjustmentKind.IMPORT  # of what changes on hand
    reason: str = ""
    only_new: bool = False  # a document makes a product, or fails: who has its name is in its way


def declare_products(
    session: Session,
    documents: Sequence[ProductDocument],
    *,
    by: Principal | None,
    kind: AdjustmentKind = AdjustmentKind.IMPORT,
    reason: str = "",
) -> list[Outcome]:
    """Make each product what its document says, and say what became of each, in their order.

    About fifteen statements, however many documents (200 is a good number). A document that says what is there already
    changes nothing: no version, no event, no entry. `by` None is the system itself; `kind` and `reason` go with what
    changes on hand. Products are locked in the order of their ids, so declarations that meet wait for each other, and
    never in a circle. To try without keeping anything, roll the transaction back.
    """
    if not documents:
        return []
    manner = Manner(by, kind, reason)
    store = present_store(session)
    if len(documents) == 1:
        return [outcome(declare_one(session, documents[0], store, manner))]
    start = records.mark(session, "declaring")
    try:
        changes = declaring.plan(session, documents, currency=store.currency, by=by)
        _write(session, changes, store, manner)
        tenancy.prelude(session, "release savepoint declaring")
    except (IntegrityError, DataError):
        records.undo(session, start)
        declaring.hold(session, documents)  # all of them, in their order, before one waits for another's names
        changes = []
        for index, document in enumerate(documents):
            change = declare_one(session, document, store, manner)
            change.index = index
            changes.append(change)
    return [outcome(change) for change in changes]


def declare_product(session: Session, document: ProductDocument, *, by: Principal | None) -> UUID:
    """Make one product what its document says, and return its id; a count is a correction.

    Raises:
        NotFound: there is no product of this id.
        Forbidden: the status or the shelf would change, and `by` may not do that.
        SlugTaken, SkuTaken, ExternalIDTaken: another product or variant has the name.
        StockIsReserved, BackordersOpen: less would be on hand than open checkouts were promised.
        ValidationFailed: a field does not fit the options or what the store defines, or names what does not exist.
    """
    change = declare_one(session, document, present_store(session), Manner(by, AdjustmentKind.CORRECTION))
    if change.problem is not None:
        raise change.problem
    return UUID(change.row["id"])


def declare_one(session: Session, document: ProductDocument, store: StoreFacts, manner: Manner) -> ProductChange:
    """Make one product what its document says; what speaks against it is the change's problem, and nothing changed."""
    start = records.mark(session, "declared")
    change = ProductChange(0, document)
    try:
        [change] = declaring.plan(
            session,
            [document],
            currency=store.currency,
            by=manner.by,
            only_new=manner.only_new,
        )
        _write(session, [change], store, manner)
    except (IntegrityError, DataError) as refused:
        records.undo(session, start)
        problem = declaring.problem_of(refused, change)
        if problem is None:
            raise
        change.refuse(problem)
    else:
        tenancy.prelude(session, "release savepoint declared")
    return change


def outcome(change: ProductChange) -> Outcome:
    """Say what became of a document."""
    if not change.is_sound:
        return Outcome(change.index, None, Action.FAILED, change.problem)
    return Outcome(change.index, UUID(change.row["id"]), change.action)


def _write(session: Session, changes: Sequence[ProductChange], store: StoreFacts, manner: Manner) -> None:
    shelves = shelving.plan(session, changes, threshold=store.settings.low_stock_threshold, by=manner.by)
    declaring.write(session, changes)
    shelving.write(session, shelves, kind=manner.kind, reason=manner.reason)
