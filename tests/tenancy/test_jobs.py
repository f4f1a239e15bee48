"""Consumers and schedules: each runs inside the store that its message names, and looks across stores for ids alone.

That no statement of theirs touches a store's table unbound is the watch's to say, as in every test.
"""

import pytest

from infra.local import events, routing
from shared.core import topology
from tests.database import Sql
from tests.figures import Figures
from tests.tenancy.living import Body, deliver, live, queues_kept
from tests.tenancy.rows import rows_of, tables_of_stores
from tests.tenancy.world import a_world

LINE = "walls between jobs"

pytestmark = pytest.mark.usefixtures("application")


def test_every_consumer_takes_its_own_stores_messages_and_does_nothing_to_another(sql: Sql, figures: Figures) -> None:
    mine, theirs = a_world(), a_world()
    tables = tables_of_stores(sql)
    live(theirs)
    before = rows_of(sql, theirs.store.id, tables)

    delivered = live(mine)

    assert [one.queue for one in delivered if not one.taken] == []
    assert {one.queue for one in delivered} == {one.queue for one in topology.load().consumers}
    assert rows_of(sql, theirs.store.id, tables).changed_since(before) == []
    figures.add(LINE, consumers=len(topology.load().consumers), messages=len(delivered))


def test_a_message_that_names_our_store_and_anothers_things_does_nothing_to_the_other(
    sql: Sql, figures: Figures
) -> None:
    mine, theirs = a_world(), a_world()
    tables = tables_of_stores(sql)
    told = [one for one in live(theirs) if "event" in one.body]
    before = rows_of(sql, theirs.store.id, tables)

    with queues_kept() as sent:
        for one in told:
            deliver(one.queue, {**one.body, "store_id": str(mine.store.id)})

    assert len({one.queue for one in told}) == len([one for one in topology.load().consumers if one.events])
    assert rows_of(sql, theirs.store.id, tables).changed_since(before) == []
    assert [body for _, body in sent if body["store_id"] != str(mine.store.id)] == []
    figures.add(LINE, crossed_messages=len(told))


def test_every_schedule_sends_ids_of_stores_and_nothing_else(figures: Figures) -> None:
    live(a_world())

    with queues_kept() as sent:
        for schedule in topology.load().schedules:
            context = events.context(schedule.name, memory=schedule.memory, timeout=schedule.timeout)
            routing.handler(schedule.handler)({"id": "test"}, context)

    assert len(sent) > 0
    assert [body for _, body in sent if not _names_a_store_alone(body)] == []
    assert {queue for queue, _ in sent} <= {one.queue for one in topology.load().consumers}
    figures.add(LINE, schedules=len(topology.load().schedules))


def _names_a_store_alone(body: Body) -> bool:
    return body.keys() <= {"store_id", "correlation_id"}
