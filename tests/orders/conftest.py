"""What the tests of orders share."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.core import driver
from tests.database import Database
from tests.factories import StoreUnderTest


@pytest.fixture
def in_store(database: Database) -> Callable[[StoreUnderTest, str], Any]:
    """Return a function that runs a statement as the application's role, bound to a store."""

    def run(store: StoreUnderTest, statement: str) -> None:
        with driver.connect_to(database.app_url) as connection:
            cursor = connection.cursor()
            cursor.execute(f"set local app.store_id = '{store.id}'")
            cursor.execute(statement)
            connection.rollback()

    return run
