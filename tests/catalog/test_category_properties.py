"""Whatever is made, moved, deleted and restored: the tree is what a model in memory says."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.catalog import categories, category_places, category_tree
from shared.catalog.categories import HasChildren, ParentDeleted
from shared.catalog.category_places import MAX_DEPTH, CircularMove, TooDeep
from shared.catalog.group_schemas import MoveCategory, NewCategory
from shared.core.errors import NotFound, ValidationFailed
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("watch")

_NUMBER = st.integers(0, 14)
_PARENT = st.none() | _NUMBER
ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("create"), _PARENT, st.none() | st.integers(0, 5)),
        st.tuples(st.just("create"), _PARENT, st.none()),
        st.tuples(st.just("move"), _NUMBER, _PARENT),
        st.tuples(st.just("delete"), _NUMBER, st.none()),
        st.tuples(st.just("restore"), _NUMBER, st.none()),
    ),
    max_size=40,
)


@dataclass
class Node:
    """A category as the model has it."""

    parent: UUID | None
    position: int
    deleted: bool = False


class Model:
    """The tree in memory, by the rules in words."""

    def __init__(self) -> None:
        self.nodes: dict[UUID, Node] = {}

    def present(self, one: UUID | None) -> bool:
        return one is None or not self.nodes[one].deleted

    def way_up(self, one: UUID | None) -> list[UUID]:
        way = []
        while one is not None:
            way.append(one)
            one = self.nodes[one].parent
        return way

    def children(self, one: UUID | None) -> list[UUID]:
        found = [(node.position, key) for key, node in self.nodes.items() if node.parent == one and not node.deleted]
        return [key for _, key in sorted(found)]

    def height(self, one: UUID) -> int:
        return 1 + max((self.height(child) for child in self.children(one)), default=0)

    def last(self, parent: UUID | None) -> int:
        siblings = [node.position for node in self.nodes.values() if node.parent == parent]
        return max(siblings, default=0) + category_places.SPACING

    def drawn(self, parent: UUID | None = None, depth: int = 1) -> list[tuple[UUID, UUID | None, int]]:
        lines = []
        for child in self.children(parent):
            lines += [(child, parent, depth), *self.drawn(child, depth + 1)]
        return lines


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=ACTS)
def test_the_tree_is_what_the_model_says(acts: list[tuple[str, Any, Any]]) -> None:
    store, model = a_store(), Model()

    for act, one, other in acts:
        known = list(model.nodes)
        if act != "create" and not known:
            continue
        with store.session() as session:
            if act == "create":
                parent = known[one % len(known)] if known and one is not None else None
                _create(session, model, parent, other)
            elif act == "move":
                _move(session, model, known[one % len(known)], None if other is None else known[other % len(known)])
            elif act == "delete":
                _delete(session, model, known[one % len(known)])
            else:
                _restore(session, model, known[one % len(known)])

    with store.session() as session:
        tree = [(node.id, node.parent_id, node.depth) for node in category_tree.tree(session)]
        below = {one: set(category_tree.descendants(session, one)) for one in model.nodes if model.present(one)}
        ways = category_tree.lineages(session, list(model.nodes))
    assert tree == model.drawn()
    assert max((depth for *_, depth in tree), default=0) <= MAX_DEPTH
    assert ways == {one: model.way_up(one)[::-1] for one in model.nodes if model.present(one)}
    assert below == {one: {other for other, way in ways.items() if one in way} for one in below}


def _create(session: Any, model: Model, parent: UUID | None, position: int | None) -> None:
    new = NewCategory(name="Shelf", slug=f"shelf-{len(model.nodes)}", parent_id=parent, position=position)
    if not model.present(parent):
        with pytest.raises(ValidationFailed):
            categories.create(session, new)
    elif len(model.way_up(parent)) >= MAX_DEPTH:
        with pytest.raises(TooDeep):
            categories.create(session, new)
    else:
        expected = model.last(parent) if position is None else position
        made = categories.create(session, new)
        assert made.position == expected
        model.nodes[made.id] = Node(parent, expected)


def _move(session: Any, model: Model, one: UUID, to: UUID | None) -> None:
    def act() -> None:
        category_places.move(session, one, MoveCategory(parent_id=to), expected_version=None)

    node, way = model.nodes[one], model.way_up(to)
    if not model.present(to):
        with pytest.raises(ValidationFailed):
            act()
    elif one in way:
        with pytest.raises(CircularMove):
            act()
    elif not node.deleted and len(way) + model.height(one) > MAX_DEPTH:
        with pytest.raises(TooDeep):
            act()
    elif node.deleted:
        with pytest.raises((NotFound, TooDeep)):
            act()
    else:
        act()
        if node.parent != to:
            node.position, node.parent = model.last(to), to


def _delete(session: Any, model: Model, one: UUID) -> None:
    if not model.present(one):
        with pytest.raises(NotFound):
            categories.delete(session, one, expected_version=None)
    elif model.children(one):
        with pytest.raises(HasChildren):
            categories.delete(session, one, expected_version=None)
    else:
        categories.delete(session, one, expected_version=None)
        model.nodes[one].deleted = True


def _restore(session: Any, model: Model, one: UUID) -> None:
    node = model.nodes[one]
    if node.deleted and not model.present(node.parent):
        with pytest.raises(ParentDeleted):
            categories.restore(session, one)
    elif node.deleted and len(model.way_up(node.parent)) >= MAX_DEPTH:
        with pytest.raises(TooDeep):
            categories.restore(session, one)
    else:
        categories.restore(session, one)
        node.deleted = False
