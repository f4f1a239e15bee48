"""Operations one after the other, each with what the ones before have answered: what came to be can be asked about.

Schemathesis reads off the document which answer names what another operation takes, and walks along: a product made,
its variant edited, a cart filled with it, the order read. What no answer tells comes from a store that has everything.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput

from tests.client import Answer
from tests.database import Sql
from tests.figures import Figures
from tests.proof.bad_input import LINE
from tests.proof.bad_input_size import size
from tests.proof.bad_input_wire import Asked, response_of, sent
from tests.proof.bad_input_world import ENDPOINTS, Target, name_of, schema
from tests.tenancy.world import World, a_world

pytestmark = pytest.mark.usefixtures("application")

PATHS = 4  # of a walk, which begin alike
STEPS = 12  # of a path
_ENDS_THE_WALK = "identity-revoke-credential"  # with the id of our own credential; so it takes one that was made for it
_CHANGES_THE_RULES = "stores-edit-store"  # how many checkouts a guest may have, and what else a walk rests on
_NOWHERE = Answer(404, {"content-type": "application/problem+json"}, b"{}")


def test_walks_from_answer_to_answer_meet_nothing_that_the_document_does_not_tell(sql: Sql, figures: Figures) -> None:
    walks = Walks(sql, figures)
    made: type[Any] = schema().as_state_machine()

    class Walk(made):  # type: ignore[misc] # schemathesis makes the class at run time, of the document
        """One walk."""

        def step(self, step: StepInput) -> StepOutput:
            """Take a step; its answer is judged as every other is."""
            walks.underway = name_of(step.case)
            taken = walks.take(step)
            walks.underway = None
            return taken

    first = size().seed or 0
    for seed in range(first, first + size().walks):
        try:
            run_state_machine_as_test(hypothesis.seed(seed)(Walk), settings=size().settings(PATHS, steps=STEPS))
        except Flaky:
            # Hypothesis goes some ways again, and the store is another by then, which is nobody's fault. A step that
            # was begun and not ended is.
            if walks.underway is not None:
                raise

    figures.add(LINE, links_walked=len(walks.links))
    assert walks.told() == ""
    assert walks.links != set()


@dataclass
class Walks:
    """All walks: they share a store."""

    sql: Sql
    figures: Figures
    world: World = field(init=False)
    targets: dict[str, Target] = field(init=False)
    tokens: dict[str, str] = field(default_factory=dict)  # of carts, and of the checkouts of theirs
    underway: str | None = None  # the operation of a step that has not ended
    links: set[str] = field(default_factory=set)  # that led to a success

    def __post_init__(self) -> None:
        """Open the store."""
        self.world = a_world()
        self.targets = {name: Target(name, self.world, self.sql, self.figures) for name in ENDPOINTS}

    def take(self, step: StepInput) -> StepOutput:
        """Send a step, with the cart's own token where it is about a cart that came to be on the way."""
        case, name = step.case, name_of(step.case)
        if name == _CHANGES_THE_RULES:
            return StepOutput(response_of(sent(case, {}), _NOWHERE), case)
        self.world.__dict__.pop("product", None)  # a step before may have changed it
        kept = {parameter for _, parameter in step.applied_parameters if parameter} if step.transition else set()
        if name == _ENDS_THE_WALK:
            kept = set()
        token = self._token(case)
        if token is not None:
            case.headers["X-Cart-Token"] = token
            kept.add("X-Cart-Token")
        asked, answer = self.targets[name].try_case(case, kept=kept)
        if answer is not None and answer.status_code < 300:
            self._learn(asked, answer)
            if step.transition is not None and kept:
                self.links.add(step.transition.id)
        return StepOutput(response_of(asked, answer or _NOWHERE), case)

    def told(self) -> str:
        """Return the offences of all operations."""
        return "\n\n".join(filter(None, (target.told() for target in self.targets.values())))

    def _token(self, case: schemathesis.Case[Any]) -> str | None:
        body = case.body if isinstance(case.body, dict) else {}
        named = (*case.path_parameters.values(), body.get("cart_id"))
        return next((self.tokens[one] for one in named if isinstance(one, str) and one in self.tokens), None)

    def _learn(self, asked: Asked, answer: Answer) -> None:
        if not answer.body or not answer.headers["content-type"].startswith("application/json"):
            return  # nothing was told, or a file
        told = json.loads(answer.body)
        token = told.get("token") or asked.headers.get("X-Cart-Token")
        if token is not None and "id" in told:
            self.tokens[told["id"]] = str(token)
