"""What a variant consists of, where stock is concerned."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.orm import Session


def expand_to_components(session: Session, demand: Mapping[UUID, int]) -> Mapping[UUID, int]:  # noqa: ARG001 -- see below
    """Return the demand on stock that a demand for these variants is: quantities by variant.

    Until there are bundles, each variant is its own and only component, and nothing is read. Every sale asks here, so
    that bundles will need no visit to carts, checkout and orders; the session is theirs.
    """
    return demand
