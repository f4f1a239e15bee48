"""A customer's account: read and edited by themselves or the merchant, disabled, deleted and brought back."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared.core import audit, clock, emails, encryption, outbox, tenancy
from shared.core.emails import Email
from shared.core.errors import NotFound, Problem, StaleVersion
from shared.core.keysets import Operator
from shared.core.lives import RESTORABLE
from shared.core.paging import Filter, Listing, ListQuery, PageInfo
from shared.core.phones import Phone
from shared.customers import sessions
from shared.customers.events import (
    CustomerDeleted,
    CustomerDisabled,
    CustomerEnabled,
    CustomerRestored,
    CustomerUpdated,
)
from shared.customers.masking import masked_change
from shared.customers.models import Customer, CustomerStatus
from shared.customers.schemas import EditAccount

_MOMENT: tuple[Operator, ...] = ("gt", "gte", "lt", "lte")


class ContactTaken(Problem):
    """Another customer of the store has proven this contact."""

    status = 409
    code = "contact_taken"
    title = "Contact of another account"


class _BlindFilter(Filter):
    """A filter by an encrypted contact: what is asked for becomes its blind index."""

    def read(self, operator: Operator, text: str) -> bytes:
        """Return the blind index of the contact that was asked for."""
        told: str = super().read(operator, text)
        kind, value = ("email", emails.for_lookup(told)) if "@" in told else ("phone", told)
        return encryption.blind_index(tenancy.bound_store(), f"customers.{kind}", value)


CUSTOMERS = Listing(
    Customer,
    filters={
        "email": _BlindFilter(Customer.email_index, accepts=Email),
        "phone": _BlindFilter(Customer.phone_index, accepts=Phone),
        "created_at": Filter(Customer.created_at, _MOMENT),
        "deleted_at": Filter(Customer.deleted_at, ("null", *_MOMENT)),
    },
    sorts={"created_at": (Customer.created_at,)},
    default_sort="-created_at",
)


def list_customers(session: Session, query: ListQuery) -> tuple[list[Customer], PageInfo, int | None]:
    """Return one page of the customers; deleted ones only when the query asks about `deleted_at`. One statement."""
    base = select(Customer)
    if not any(condition.field == "deleted_at" for condition in query.conditions):
        base = base.where(Customer.deleted_at.is_(None))
    return CUSTOMERS.run(session, query, base)


def get(session: Session, customer_id: UUID) -> Customer:
    """Return a customer who is not deleted.

    Raises:
        NotFound: there is none.
    """
    wanted = select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_(None))
    customer = session.scalars(wanted).one_or_none()
    if customer is None:
        raise _no_such_customer()
    return customer


def held(session: Session, customer_id: UUID, *, expected_version: int | None = None) -> Customer:
    """Return a customer who is not deleted, and whom nobody else can change until this transaction ends.

    Raises:
        NotFound: there is none.
        StaleVersion: they have another version than the expected one.
    """
    wanted = select(Customer).where(Customer.id == customer_id, Customer.deleted_at.is_(None))
    customer = session.scalars(
        wanted.with_for_update(key_share=True), execution_options={"populate_existing": True}
    ).one_or_none()
    if customer is None:
        raise _no_such_customer()
    if expected_version is not None and customer.version != expected_version:
        raise StaleVersion(customer.version)
    return customer


def edit(session: Session, customer_id: UUID, wanted: EditAccount, *, expected_version: int | None) -> Customer:
    """Change name and language, as named. An edit that changes nothing leaves version, history and events as they are.

    Raises:
        NotFound: there is no such customer.
        StaleVersion: they have another version than the expected one.
    """
    customer = held(session, customer_id, expected_version=expected_version)
    fields = {name: value for name, value in wanted if name in wanted.model_fields_set}
    before = {name: getattr(customer, name) for name in fields}
    changed = sorted(name for name in fields if fields[name] != before[name])
    if not changed:
        return customer
    for name in changed:
        setattr(customer, name, fields[name])
    touch(session, customer)
    shown = {
        name: masked_change(before[name], fields[name]) if name == "name" else (before[name], fields[name])
        for name in changed
    }
    old, new = ({name: pair[side] for name, pair in shown.items()} for side in (0, 1))
    note_change(session, customer, changed, old, new)
    return customer


def disable(session: Session, customer_id: UUID) -> Customer:
    """Lock a customer out: sessions end with this transaction, and no code or password opens another.

    Raises:
        NotFound: there is no such customer.
    """
    customer = held(session, customer_id)
    if customer.status is CustomerStatus.DISABLED:
        return customer
    _become(session, customer, CustomerStatus.DISABLED)
    sessions.end_some(session, customer.id, because="disabled")
    outbox.record(session, CustomerDisabled(customer_id=customer.id, version=customer.version))
    return customer


def enable(session: Session, customer_id: UUID) -> Customer:
    """Let a customer sign in again.

    Raises:
        NotFound: there is no such customer.
    """
    customer = held(session, customer_id)
    if customer.status is CustomerStatus.ACTIVE:
        return customer
    _become(session, customer, CustomerStatus.ACTIVE)
    outbox.record(session, CustomerEnabled(customer_id=customer.id, version=customer.version))
    return customer


def delete(session: Session, customer_id: UUID, *, expected_version: int | None = None) -> Customer:
    """Delete a customer, restorable for 90 days. Sessions end at once; contacts are free, orders stay.

    Raises:
        NotFound: there is no such customer.
        StaleVersion: they have another version than the expected one.
    """
    customer = held(session, customer_id, expected_version=expected_version)
    customer.deleted_at = clock.now()
    touch(session, customer)
    sessions.end_some(session, customer.id, because="deleted")
    _note(session, "customer.deleted", customer, {"deleted_at": None}, {"deleted_at": _told(customer.deleted_at)})
    outbox.record(session, CustomerDeleted(customer_id=customer.id, version=customer.version))
    return customer


def restore(session: Session, customer_id: UUID) -> Customer:
    """Bring a deleted customer back; one who is not deleted stays as they are.

    Raises:
        NotFound: there is no such customer, or they were deleted more than 90 days ago.
        ContactTaken: somebody has proven the contact meanwhile.
    """
    customer = session.scalars(
        select(Customer).where(Customer.id == customer_id).with_for_update(key_share=True),
        execution_options={"populate_existing": True},
    ).one_or_none()
    deleted_at = customer.deleted_at if customer is not None else None
    if customer is None or (deleted_at is not None and deleted_at <= clock.now() - RESTORABLE):
        raise NotFound("There is no such customer, or they were deleted more than 90 days ago.")
    if deleted_at is None:
        return customer
    customer.deleted_at = None
    touch(session, customer)
    _note(session, "customer.restored", customer, {"deleted_at": _told(deleted_at)}, {"deleted_at": None})
    outbox.record(session, CustomerRestored(customer_id=customer.id, version=customer.version))
    return customer


def touch(session: Session, customer: Customer) -> None:
    """Give a changed customer their next version, and have PostgreSQL refuse what cannot be.

    Raises:
        ContactTaken: another customer has proven the contact. The transaction can then only be rolled back.
    """
    customer.version += 1
    customer.updated_at = clock.now()
    try:
        session.flush()
    except IntegrityError as refused:
        told = refused.orig.args[0] if refused.orig is not None and refused.orig.args else None
        if isinstance(told, dict) and told.get("n") in ("customers_by_email", "customers_by_phone"):
            raise ContactTaken("Another account of this store has this contact.") from None
        raise


def note_change(
    session: Session,
    customer: Customer,
    changed: list[str],
    before: dict[str, str | None],
    after: dict[str, str | None],
) -> None:
    """Leave the entry and the event of a change; personal values come masked."""
    _note(session, "customer.updated", customer, before, after)
    outbox.record(session, CustomerUpdated(customer_id=customer.id, version=customer.version, changed=tuple(changed)))


def _become(session: Session, customer: Customer, status: CustomerStatus) -> None:
    before, customer.status = customer.status, status
    touch(session, customer)
    action = "customer.enabled" if status is CustomerStatus.ACTIVE else "customer.disabled"
    _note(session, action, customer, {"status": before.value}, {"status": status.value})


def _note(
    session: Session,
    action: str,
    customer: Customer,
    before: dict[str, str | None],
    after: dict[str, str | None],
) -> None:
    audit.record(
        session,
        action=action,
        entity="customer",
        entity_id=customer.id,
        before=before,
        after=after,
        severity="notice",
    )


def _told(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None


def _no_such_customer() -> NotFound:
    return NotFound("This store has no such customer.")
