"""Messages to people who belong to no store: sent in StormCom's own name, and as surely as a store's."""

import pytest

from shared.core import database, ids
from shared.core.principal import Principal
from shared.messaging.models import ChannelKind
from shared.messaging.outgoing import enqueue
from tests.database import Sql
from tests.messaging.conftest import Folder, Queues
from tests.staff import a_person

pytestmark = pytest.mark.usefixtures("watch")


def test_a_message_to_a_person_goes_out_in_our_own_name(between: Queues, outgoing: Folder, sql: Sql) -> None:
    person = a_person()
    with database.transaction(person.user_id, principal=Principal(kind="system", id="test")) as session:
        enqueue(
            session,
            ChannelKind.EMAIL,
            to=person.email,
            subject="Hello",
            text="Hello",
            purpose="test",
            dedupe_key=f"test:{ids.new_id()}",
        )

    failed = between.run_for(person.user_id)

    assert failed == []
    [message] = outgoing.of_tenant(person.user_id)
    assert (message["to"], message["from"]) == (person.email, "StormCom")
    [kept] = sql("select status from outgoing_messages where store_id = %s", person.user_id)
    assert kept["status"] == "sent"
