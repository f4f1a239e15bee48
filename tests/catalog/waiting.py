"""How tests of races see that somebody waits."""

import time

import pytest

from tests.database import Sql

_WAITING = """
select count(*) as waiting from pg_stat_activity
where datname = current_database() and wait_event_type = 'Lock'
"""


def for_waiters(sql: Sql, count: int = 1) -> None:
    """Wait until so many wait for a lock of this database."""
    for _ in range(1000):
        if sql(_WAITING)[0]["waiting"] >= count:
            return
        time.sleep(0.01)
    pytest.fail("Nobody waits.")
