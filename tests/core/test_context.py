"""The context of a request: present inside, gone outside, one for each thread and task."""

import asyncio
from dataclasses import FrozenInstanceError, replace

import pytest

from shared.core import context, ids
from shared.core.context import Context
from shared.core.principal import Principal


def test_outside_any_context_nobody_acts_for_no_store() -> None:
    present = context.current()

    assert (present.principal, present.store_id, present.ip) == (None, None, None)
    assert present.correlation_id != context.current().correlation_id


def test_contexts_nest_and_the_one_before_returns() -> None:
    outer = Context(correlation_id="outer", principal=Principal("system", "test"))
    inner = replace(outer, store_id=ids.new_id())

    with context.entered(outer):
        with context.entered(inner):
            seen_inside = context.current()
        seen_after = context.current()
        with pytest.raises(ZeroDivisionError), context.entered(inner):
            _ = 1 // 0
        seen_after_a_failure = context.current()

    assert (seen_inside, seen_after, seen_after_a_failure) == (inner, outer, outer)
    assert context.current().correlation_id != "outer"


def test_tasks_at_once_see_each_their_own() -> None:
    async def work(name: str) -> str:
        with context.entered(Context(correlation_id=name)):
            await asyncio.sleep(0)
            return context.current().correlation_id

    async def both() -> list[str]:
        return list(await asyncio.gather(work("a"), work("b")))

    assert asyncio.run(both()) == ["a", "b"]


def test_a_context_is_not_changed_behind_somebodys_back() -> None:
    present = Context()

    with pytest.raises(FrozenInstanceError):
        present.store_id = ids.new_id()  # type: ignore[misc]  # the fact is that it is refused

    assert present.store_id is None
