"""What declaring products comes to, before anything of it is written: one change a document, or why there is none."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.catalog.attributes import AttributeValue
from shared.catalog.declaring.present import PresentProduct, Row
from shared.catalog.documents import ProductDocument, VariantDocument
from shared.core import errors
from shared.core.errors import Conflict, FieldError, Problem, ValidationFailed


class Action(StrEnum):
    """What became of a document."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"


class DeclaredTwice(Conflict):
    """Two documents of one batch mean the same product."""

    code = "declared_twice"
    title = "Declared twice"


@dataclass
class VariantChange:
    """One variant as it will be; `before` is None where it is new, `document` where nobody spoke of it."""

    row: Row
    before: Row | None
    document: VariantDocument | None
    changed: tuple[str, ...] = ()


@dataclass
class ProductChange:
    """One document, and what it comes to. Once it has a problem nothing else of it holds."""

    index: int
    document: ProductDocument
    problem: Problem | None = None
    before: PresentProduct | None = None
    row: Row = field(default_factory=dict)  # the product's columns as they will be
    changed: dict[str, tuple[Any, Any]] = field(default_factory=dict)  # by field: before and after, for the history
    variants: list[VariantChange] = field(default_factory=list)  # as they will be, in their order
    gone_variants: list[Row] = field(default_factory=list)
    images: list[Row] = field(default_factory=list)  # as they will be, in their order
    categories: set[str] = field(default_factory=set)  # as they will be
    labels: set[str] = field(default_factory=set)
    attributes: list[AttributeValue] | None = None  # None: they stay
    moves_stock: bool = False  # or its rules, which is no change of the product itself

    @property
    def is_sound(self) -> bool:
        """Tell whether nothing speaks against it."""
        return self.problem is None

    @property
    def is_new(self) -> bool:
        """Tell whether it makes a product."""
        return self.before is None

    @property
    def changes_something(self) -> bool:
        """Tell whether anything of the product will be other than it is."""
        touched = any(one.before is None or one.changed for one in self.variants)
        return self.is_new or bool(self.changed) or bool(self.gone_variants) or touched

    @property
    def action(self) -> Action:
        """Say what became of the document."""
        if not self.is_sound:
            return Action.FAILED
        if self.is_new:
            return Action.CREATED
        return Action.UPDATED if self.changes_something or self.moves_stock else Action.UNCHANGED

    def refuse(self, problem: Problem) -> None:
        """Give it up for a reason; the first one holds."""
        self.problem = self.problem or problem


class Refused(Exception):
    """What is declared cannot be; carries the problem. Caught where one document is planned."""

    def __init__(self, problem: Problem) -> None:
        """See the class."""
        super().__init__(problem.detail)
        self.problem = problem


def wrong(code: str, message: str, *steps: str | int) -> Refused:
    """Say that a field of the document, at `steps`, cannot be right."""
    return Refused(ValidationFailed(message, errors=[FieldError(errors.pointer(*steps), code, message)]))


def all_wrong(found: list[FieldError]) -> Refused:
    """Say that several fields cannot be right."""
    return Refused(ValidationFailed(found[0].message, errors=found))
