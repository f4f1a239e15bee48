"""Queueing a message: the one way by which StormCom comes to say something to a person."""

import json
from datetime import timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from shared.core import clock, context, encryption, ids, outbox, tenancy
from shared.messaging.events import MessageQueued
from shared.messaging.models import ChannelKind

GRACE = timedelta(seconds=60)  # the event brings a new message to its sender; what is older was lost on the way

_ENQUEUE = text("""
insert into outgoing_messages (store_id, id, channel, purpose, dedupe_key, recipient, content, status, due_at,
                               correlation_id, created_at, updated_at)
values (:store_id, :id, :channel, :purpose, :dedupe_key, :recipient, :content, 'queued', :due_at,
        :correlation_id, :now, :now)
on conflict (store_id, dedupe_key) do nothing
returning id
""")


def enqueue(  # noqa: PLR0913 -- each is a part of a letter, by keyword
    session: Session,
    channel: ChannelKind,
    *,
    to: str,
    text: str,
    purpose: str,
    dedupe_key: str,
    subject: str = "",
    html: str | None = None,
) -> UUID | None:
    """Queue a message to one person; None where this occasion had its message already. One statement.

    `to` is an address or a number in E.164. `dedupe_key` names the occasion ("order_confirmation:ORDER"): whoever comes
    second with it adds nothing, with whatever words. Sent after the commit, within seconds.
    """
    store_id, message_id, now = tenancy.require_store(session), ids.new_id(), clock.now()
    content = json.dumps({"subject": subject, "text": text, "html": html}, ensure_ascii=False)
    queued = session.execute(
        _ENQUEUE,
        {
            "store_id": store_id,
            "id": message_id,
            "channel": channel.value,
            "purpose": purpose,
            "dedupe_key": dedupe_key,
            "recipient": encryption.encrypt(store_id, "outgoing_messages.recipient", to.encode()),
            "content": encryption.encrypt(store_id, "outgoing_messages.content", content.encode()),
            "due_at": now + GRACE,
            "correlation_id": context.current().correlation_id,
            "now": now,
        },
    ).scalar_one_or_none()
    if queued is None:
        return None
    outbox.record(session, MessageQueued(message_id=message_id, channel=channel.value, purpose=purpose, attempts=0))
    return message_id
