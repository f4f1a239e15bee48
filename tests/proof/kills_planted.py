"""Mistakes that are made on purpose, each of the kind that kills are for: whoever finds none of these finds nothing."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import idempotency, ids, records, relay, tenancy


def _forget_keys() -> None:
    claim = idempotency.claim

    def claiming(session: Session, **facts: Any) -> idempotency.Claim:
        return replace(claim(session, **facts | {"key": str(ids.new_id())}), replay=None)

    idempotency.claim = claiming


def _tell_after_the_commit() -> None:
    write = records.write

    def writing(session: Session) -> frozenset[UUID]:
        store_id = tenancy.store_of(session)
        session.commit()
        if store_id is not None:
            tenancy.bind(session, store_id)
        return write(session)

    records.write = writing


def _settle_before_sending() -> None:
    publish = relay.publish

    def publishing(claimed: relay.Claimed, subscriptions: Mapping[str, Any]) -> None:
        from shared.core import database  # noqa: PLC0415 -- a mistake needs no place among the imports

        with database.transaction(claimed.store_id) as session:
            relay.settle(session, claimed)
        publish(claimed, subscriptions)

    relay.publish = publishing


PLANTED = {
    "keys are forgotten": _forget_keys,
    "events are told after the commit": _tell_after_the_commit,
    "events are forgotten before they are sent": _settle_before_sending,
}
