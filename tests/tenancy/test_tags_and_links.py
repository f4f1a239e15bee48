"""What is signed or tagged for one store is no other's, though all else be the same."""

from datetime import timedelta
from uuid import UUID

import pytest

from shared.core import clock, ids
from shared.core.errors import NotFound
from shared.orders import guest_links
from shared.search import surrogates
from tests.factories import a_store

pytestmark = pytest.mark.usefixtures("application")


def test_a_link_to_an_order_opens_none_of_another_store_that_had_the_same_id() -> None:
    mine, theirs, order_id = a_store().id, a_store().id, ids.new_id()
    token = guest_links.make(theirs, order_id, expires_at=clock.now() + timedelta(days=1))

    guest_links.require(theirs, order_id, token)
    with pytest.raises(NotFound):
        guest_links.require(mine, order_id, token)


def test_two_stores_share_no_tag_but_the_one_that_means_all_stores() -> None:
    mine, theirs = tags_of(ids.new_id()), tags_of(ids.new_id())

    assert mine & theirs == {surrogates.EVERY_LIST}
    assert len(mine) == len(theirs) == 5  # the store, its lists, those by price, its groups, and the one of all


def tags_of(store_id: UUID) -> set[str]:
    """Return the tags of a store's own that its answers bear and its changes take back."""
    nothing = b"{}"
    return {
        surrogates.store(store_id),
        *surrogates.of_list(store_id, "sort=price", nothing),
        *surrogates.of_product(store_id, "", nothing),
        *surrogates.of_groups(store_id, "", nothing),
        *surrogates.changed_groups(store_id),
        *surrogates.changed_products(store_id, [], elsewhere=True, repriced=True),
        *surrogates.changed_products(store_id, [], elsewhere=False, repriced=True),
    }
