"""State machines as data: which states there are, and which step leads from one to another.

A machine is declared once, beside its table. Code asks it before a step; a trigger in PostgreSQL holds the same pairs
for whoever forgets to ask, and a test walks every pair through both.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.core.errors import Problem


class TransitionNotAllowed(Problem):
    """The thing's state does not lead to the one that was asked for; `allowed` lists those that it leads to."""

    status = 409
    code = "transition_not_allowed"
    title = "Not possible in this state"


@dataclass(frozen=True)
class StateMachine:
    """The states of one column. `steps` has a key for every state; an end has no steps."""

    name: str  # "order status": stands in sentences
    initial: frozenset[str]
    steps: Mapping[str, frozenset[str]]

    @property
    def states(self) -> frozenset[str]:
        """Every state that there is."""
        return frozenset(self.steps)

    def leads(self, before: str, after: str) -> bool:
        """Tell whether one step leads from `before` to `after`. Staying is no step, and always possible."""
        return before == after or after in self.steps[before]

    def require(self, before: str, after: str) -> None:
        """Refuse a step that does not exist.

        Raises:
            TransitionNotAllowed: the sentence and the document name both states and what is allowed instead.
        """
        if self.leads(before, after):
            return
        allowed = sorted(self.steps[before])
        instead = f"it can become {' or '.join(allowed)}" if allowed else "nothing follows it"
        detail = f"The {self.name} is {before} and cannot become {after}: {instead}."
        raise TransitionNotAllowed(detail, current=before, requested=after, allowed=allowed)
