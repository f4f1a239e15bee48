"""What stands in front is looked at first by a search, and what does not is found as well."""

import pytest

from tests.database import Sql
from tests.factories import a_store
from tests.search.test_finding import sell, titles

pytestmark = pytest.mark.usefixtures("application")


def test_what_does_not_stand_in_front_is_found_as_well(sql: Sql) -> None:
    store = a_store()
    for title, tags in (("Kettle", []), ("Cosy", ["kettle"]), ("Kettle of clay", list[str]())):
        sell(store, title, tags=tags)
    store.show()
    sql("update product_summaries set front = false where store_id = %s and title <> 'Kettle'", store.id)

    assert titles(store, "kettle") == ["Kettle", "Kettle of clay", "Cosy"]
    assert titles(store, "clay") == ["Kettle of clay"]
    assert titles(store, "kettel") == ["Kettle", "Kettle of clay", "Cosy"]
