"""Importing products, a batch at a time.

A batch is one transaction: its products, what is said of them, the counts and the checkpoint stand or fall together. So
an import that is killed anywhere and gone on with comes to what it would have come to undisturbed, and a file that is
imported again changes nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.catalog.declaring import present
from shared.core import records
from shared.imports import meeting
from shared.imports.meant import Meant
from shared.imports.streaming import Piece
from shared.inventory.declaring import Outcome, declare_products
from shared.inventory.documents import StockedVariantDocument
from shared.inventory.models import AdjustmentKind
from shared.jobs import findings
from shared.jobs.models import Severity
from shared.jobs.working import Claim, Progress


def apply(session: Session, claim: Claim, piece: Piece) -> Progress:
    """Do one piece of a file; a dry run does all of it, counts it and takes it back."""
    found = list(piece.findings)
    fresh = meeting.fresh(session, claim.job_id, piece.products)
    _keep_what_is_not_named(session, fresh)
    if claim.params.get("dry_run"):
        meeting.refuse_skus_of_others(session, claim.job_id, fresh)
    declared = [one for one in fresh if one.document is not None]
    counts = dict.fromkeys(("rows", "products", "created", "updated", "unchanged", "failed", "failed_rows"), 0)
    for one, outcome in zip(declared, _declare(session, claim, declared), strict=True):
        counts[outcome.action.value] += 1
        if outcome.problem is not None:
            one.explain(outcome.problem)
    if claim.params.get("dry_run"):
        meeting.note_skus(session, claim.job_id, [one for one in declared if one.document is not None])
    for one in piece.products:
        found += one.findings
        counts["rows"] += one.rows
        counts["failed_rows"] += one.failed_rows
    counts["products"] = len(piece.products)
    counts["failed"] += len(piece.products) - len(declared)
    kept = int(claim.checkpoint.get("findings", 0))
    kept += findings.record(session, claim.job_id, found, kept_before=kept)
    for severity, name in ((Severity.ERROR, "errors"), (Severity.WARNING, "warnings")):
        counts[name] = sum(1 for one in found if one.severity is severity)
    return Progress(
        checkpoint={**piece.checkpoint, "findings": kept},
        counts=counts,
        done=piece.done,
        total=piece.total,
    )


def _declare(session: Session, claim: Claim, products: Sequence[Meant]) -> list[Outcome]:
    """Declare products, which have their documents; in a dry run take it back."""
    documents = [one.document for one in products if one.document is not None]
    if not documents:
        return []
    if not claim.params.get("dry_run"):
        return declare_products(session, documents, by=None, kind=AdjustmentKind.IMPORT, reason="Import")
    beginning = records.mark(session, "import")
    outcomes = declare_products(session, documents, by=None, kind=AdjustmentKind.IMPORT, reason="Import")
    records.undo(session, beginning)
    return outcomes


def _keep_what_is_not_named(session: Session, products: Sequence[Meant]) -> None:
    """Name the present variants of products with bad rows, so that they stay: nobody knows what the rows meant."""
    partial = [one for one in products if one.is_partial and one.document is not None]
    if not partial:
        return
    documents = [one.document for one in products if one.document is not None]
    held = present.hold(session, documents)  # all of them, in their order, before some are looked at
    there = present.read(session, [one.document for one in partial if one.document is not None], held)
    for one in partial:
        product = there.products.get(there.by_slug.get(one.slug, ""))
        if product is None or one.document is None:
            continue
        document = one.document
        if one.lacks_rows:
            one.document = document = type(document).model_validate(
                document.model_dump(exclude_unset=True, exclude={"images"}),
            )
        for place, row in enumerate(product.variants):
            if not any(_is_meant(row, variant) for variant in document.variants):
                document.variants.insert(place, StockedVariantDocument(id=UUID(row["id"])))
                one.variant_lines.insert(place, one.line)


def _is_meant(row: dict[str, Any], variant: StockedVariantDocument) -> bool:
    if variant.id is not None:
        return False
    if variant.sku and variant.sku == row["sku"]:
        return True
    return variant.option_values == row["option_values"] and (
        bool(variant.option_values) or variant.title == row["title"]
    )
