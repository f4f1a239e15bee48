"""Carries out what was asked for without looking anybody up: hands the events of the platform to their consumer."""

import json

from functions.identity import mail_reset_links
from infra.local import events
from shared.core import ids
from shared.core.idempotency import PLATFORM_STORE
from tests.database import Sql


def carry_out(sql: Sql) -> list[str]:
    """Hand over each wish for a reset link that was not handed over yet; return the messages, as SQS has them."""
    found = sql(
        "select id, type, payload from domain_events e where store_id = %s and type = 'password_reset.asked' "
        "and not exists (select from consumed_events c where c.store_id = e.store_id and c.event_id = e.id) "
        "order by id",
        PLATFORM_STORE,
    )
    bodies = [
        json.dumps(
            {
                "store_id": str(PLATFORM_STORE),
                "correlation_id": str(ids.new_id()),
                "event": {"id": str(row["id"]), "type": row["type"], "payload": row["payload"]},
            }
        )
        for row in found
    ]
    for body in bodies:
        answer = mail_reset_links.handler(
            events.sqs_event("password-resets", [body]), events.context("password-resets")
        )
        assert answer == {"batchItemFailures": []}
    return bodies
