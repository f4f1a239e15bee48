"""The states of a picture: every pair of them, in code and in the database."""

import pytest

from shared.core import ids
from shared.media.states import MEDIA, MediaStatus
from tests.database import Database
from tests.factories import a_store
from tests.orders.state_walks import Walk, declared


@pytest.mark.usefixtures("watch")
def test_the_database_lets_a_picture_take_exactly_the_declared_steps(database: Database) -> None:
    new = {"file_name": "mug.jpg", "media_type": "image/jpeg", "size_bytes": 10}
    media = a_store().merchant.post("/media", json=new).json()["media"]
    checks = ("media_assets_due_while_unfinished",)
    walk = Walk(database, "media_assets", "status", ids.decode("media", media["id"]), checks, {"file_name": "'a'"})

    assert walk.steps(MEDIA) == declared(MEDIA)
    assert walk.beginnings(MEDIA) == MEDIA.initial
    assert MEDIA.states == {*MediaStatus}
