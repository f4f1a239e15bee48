"""Batches over HTTP: up to 200 products in one request, each with an outcome of its own."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import Field, PlainValidator, ValidationError
from sqlalchemy.orm import Session

from shared.catalog import deletion
from shared.catalog.declaring.changes import Action
from shared.core import context, errors, refusals, schemas
from shared.core.errors import FieldError, NotFound, ValidationFailed
from shared.core.principal import Principal
from shared.core.schemas import Input, Schema
from shared.core.typeids import ProductId
from shared.inventory import declaring
from shared.inventory.declaring import Outcome
from shared.inventory.documents import StockedProductDocument
from shared.inventory.models import AdjustmentKind

MOST = 200  # products a request
MOST_VARIANTS = 4000  # of all products of a request together: some seconds of work


@dataclass(frozen=True)
class Unreadable:
    """What stands where a product's document belongs, and is none."""

    problem: ValidationFailed


def _read(given: Any) -> StockedProductDocument | Unreadable:  # noqa: ANN401 -- any JSON value
    try:
        return StockedProductDocument.model_validate(given)
    except ValidationError as invalid:
        told = invalid.errors(include_url=False, include_context=False, include_input=False)
        found = [schemas.fault(error, errors.pointer(*error["loc"])) for error in told]
        return Unreadable(ValidationFailed("Some fields are missing or wrong; see errors.", errors=found))


Document = Annotated[
    StockedProductDocument | Unreadable,
    PlainValidator(_read, json_schema_input_type=StockedProductDocument),
]


class Batch(Input):
    """Products as they shall be, and those that shall go: 200 of each at most, and 6 MB in all."""

    products: list[Document] = Field(default_factory=list, max_length=MOST)
    delete: list[ProductId] = Field(default_factory=list, max_length=MOST, description="Restorable for 90 days.")


class OutcomeOut(Schema):
    """What became of one product of a batch."""

    index: int = Field(description="Its place in the request's list, from 0.")
    product_id: ProductId | None
    status: int = Field(description="As a request of its own would be answered: 200, 201, or the problem's.")
    action: str = Field(description="created, updated, unchanged, deleted, or failed.")
    problem: dict[str, Any] | None = Field(
        description="Why it failed: a problem document; pointers are within the item."
    )

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        """Present an outcome."""
        problem = outcome.problem
        if problem is not None:
            document = errors.document(problem, correlation_id=context.current().correlation_id)
            return cls(
                index=outcome.index, product_id=None, status=problem.status, action=outcome.action, problem=document
            )
        status = 201 if outcome.action == Action.CREATED else 200
        return cls(
            index=outcome.index, product_id=outcome.product_id, status=status, action=outcome.action, problem=None
        )


class BatchOut(Schema):
    """What became of each product of a batch, in the request's order; 200 even where all of them failed."""

    products: list[OutcomeOut]
    deleted: list[OutcomeOut]


def run(session: Session, batch: Batch, *, by: Principal | None) -> BatchOut:
    """Declare and delete; what fails stops nothing else. A repeated batch finds everything unchanged.

    Raises:
        ValidationFailed: there are more than 4,000 variants in all.
    """
    readable = [one for one in batch.products if isinstance(one, StockedProductDocument)]
    if sum(len(one.variants) for one in readable) > MOST_VARIANTS:
        detail = f"A batch has at most {MOST_VARIANTS} variants in all; send it in parts."
        raise ValidationFailed(detail, errors=[FieldError(errors.pointer("products"), "too_many_variants", detail)])
    made = iter(
        declaring.declare_products(session, readable, by=by, kind=AdjustmentKind.CORRECTION) if readable else ()
    )
    outcomes = [
        Outcome(index, None, Action.FAILED, one.problem) if isinstance(one, Unreadable) else next(made)
        for index, one in enumerate(batch.products)
    ]
    unknown = [one.problem for one in batch.products if isinstance(one, Unreadable) and refusals.is_told(one.problem)]
    if unknown:
        refusals.record(session, unknown[0])
    gone = deletion.delete_products(session, batch.delete) if batch.delete else set()
    return BatchOut(
        products=[
            OutcomeOut.of(Outcome(index, one.product_id, one.action, one.problem)) for index, one in enumerate(outcomes)
        ],
        deleted=[_deleted(index, product_id, gone) for index, product_id in enumerate(batch.delete)],
    )


def _deleted(index: int, product_id: UUID, gone: Collection[UUID]) -> OutcomeOut:
    if product_id not in gone:
        return OutcomeOut.of(Outcome(index, None, Action.FAILED, NotFound("There is no such product.")))
    return OutcomeOut(index=index, product_id=product_id, status=200, action="deleted", problem=None)
