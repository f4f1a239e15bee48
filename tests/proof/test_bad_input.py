"""Every operation of the OpenAPI document under what schemathesis makes of its schema: what fits, and what breaks it.

Boundary cases are derived from the schema, one by one; further ones are drawn. Each operation has to succeed with some
of them, or nothing behind its door was tried.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
import schemathesis
from schemathesis.generation import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation

from tests.database import Sql
from tests.figures import Figures
from tests.proof.bad_input_size import size
from tests.proof.bad_input_world import ENDPOINTS, Target, operations, world_for

pytestmark = pytest.mark.usefixtures("application")


def test_the_document_names_every_route() -> None:
    assert set(operations()) == set(ENDPOINTS)


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_an_operation_takes_what_fits_its_schema_and_refuses_what_does_not(
    name: str, sql: Sql, figures: Figures
) -> None:
    target = Target(name, world_for(name), sql, figures)

    # API Gateway answers for methods that no route has.
    derived = [case for case in _derived(target.operation) if case.method == target.endpoint.method]
    for case in _spread(derived, size().derived):
        target.try_case(case)
    for mode in GenerationMode:
        size().draw(target.operation.as_strategy(generation_mode=mode), target.try_case, examples=size().drawn)

    for case in derived:
        if target.has_succeeded:
            break
        target.try_case(case)
    target.count_as_reached()
    assert target.told() == ""


def _derived(operation: APIOperation[Any, Any, Any, Any]) -> Sequence[schemathesis.Case[Any]]:
    generator = CoverageGenerator(
        operation=operation,
        generation_modes=list(GenerationMode),
        generation_config=operation.schema.config.generation_for(operation=operation, phase="coverage"),
        auth_storage=None,
        override=Override(query={}, headers={}, cookies={}, path_parameters={}, body={}),
        feedback=NO_FEEDBACK,
    )
    return list(generator)


def _spread[T](things: Sequence[T], wanted: int | None) -> Iterable[T]:
    """Return that many, from the first to the last."""
    if wanted is None or wanted >= len(things):
        return things
    return (things[place * len(things) // wanted] for place in range(wanted))
