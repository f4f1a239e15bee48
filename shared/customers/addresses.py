"""A customer's address book: up to 50 addresses, one of them the default, each as a checkout takes it."""

from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from shared.checkout.persons import AddressIn
from shared.core import audit, clock, ids, phones
from shared.core.errors import FieldError, NotFound, Problem, StaleVersion, ValidationFailed, pointer
from shared.customers import accounts
from shared.customers.masking import masked_change
from shared.customers.models import CustomerAddress
from shared.customers.schemas import NewAddress
from shared.stores import queries as stores

MOST = 50

_ENTITY = "customer_address"


class TooManyAddresses(Problem):
    """The address book is full."""

    status = 409
    code = "too_many_addresses"
    title = "Address book full"


def list_addresses(session: Session, customer_id: UUID) -> list[CustomerAddress]:
    """Return the address book, the default first, then the newest. One statement."""
    own = select(CustomerAddress).where(CustomerAddress.customer_id == customer_id)
    return list(session.scalars(own.order_by(CustomerAddress.is_default.desc(), CustomerAddress.id.desc())))


def add(session: Session, customer_id: UUID, wanted: NewAddress) -> CustomerAddress:
    """Add an address; the first one is the default in any case. Two at once queue up behind the customer.

    Raises:
        TooManyAddresses: there are 50.
        ValidationFailed: its phone number is none.
    """
    accounts.held(session, customer_id)
    count = session.scalars(select(func.count()).where(CustomerAddress.customer_id == customer_id)).one()
    if count >= MOST:
        raise TooManyAddresses(f"An address book holds {MOST} addresses; take one out first.", most=MOST)
    kept, now = _kept(session, wanted), clock.now()
    is_default = wanted.is_default or count == 0
    if is_default:
        _make_way(session, customer_id)
    address = CustomerAddress(
        id=ids.new_id(),
        customer_id=customer_id,
        personal=kept,
        is_default=is_default,
        version=1,
        created_at=now,
        updated_at=now,
    )
    session.add(address)
    session.flush()
    _note(session, "customer_address.added", address, after=_masked(address))
    return address


def replace(
    session: Session, customer_id: UUID, address_id: UUID, wanted: NewAddress, *, expected_version: int | None
) -> CustomerAddress:
    """Put another address in the place of one. The default stays the default until another becomes it.

    Raises:
        NotFound: the customer has no such address.
        StaleVersion: it has another version than the expected one.
        ValidationFailed: its phone number is none.
    """
    address = _held(session, customer_id, address_id, expected_version=expected_version)
    kept, before = _kept(session, wanted), dict(address.personal)
    was_default = address.is_default
    if wanted.is_default and not address.is_default:
        _make_way(session, customer_id)
        address.is_default = True
    address.personal = kept
    address.version += 1
    address.updated_at = clock.now()
    session.flush()
    names = [name for name in AddressIn.model_fields if before.get(name) != kept.get(name)]
    pairs = {name: masked_change(before.get(name), kept.get(name)) for name in names}
    old, new = ({name: pair[side] for name, pair in pairs.items()} for side in (0, 1))
    _note(
        session,
        "customer_address.replaced",
        address,
        before={**old, "is_default": was_default, "version": address.version - 1},
        after={**new, "is_default": address.is_default, "version": address.version},
    )
    return address


def remove(session: Session, customer_id: UUID, address_id: UUID) -> CustomerAddress:
    """Take an address out of the book, for good; of the others the newest becomes the default, where it was.

    Raises:
        NotFound: the customer has no such address.
    """
    address = _held(session, customer_id, address_id, expected_version=None)
    before = _masked(address)
    session.delete(address)
    session.flush()
    if address.is_default:
        others = select(CustomerAddress).where(CustomerAddress.customer_id == customer_id)
        heir = session.scalars(others.order_by(CustomerAddress.id.desc()).limit(1)).one_or_none()
        if heir is not None:
            heir.is_default = True
            heir.version += 1
            session.flush()
    _note(session, "customer_address.removed", address, before=before)
    return address


def _held(session: Session, customer_id: UUID, address_id: UUID, *, expected_version: int | None) -> CustomerAddress:
    accounts.held(session, customer_id)
    address = session.scalars(
        select(CustomerAddress).where(CustomerAddress.id == address_id, CustomerAddress.customer_id == customer_id)
    ).one_or_none()
    if address is None:
        raise NotFound("You have no such address.")
    if expected_version is not None and address.version != expected_version:
        raise StaleVersion(address.version)
    return address


def _make_way(session: Session, customer_id: UUID) -> None:
    session.execute(
        update(CustomerAddress)
        .where(CustomerAddress.customer_id == customer_id, CustomerAddress.is_default)
        .values(is_default=False, version=CustomerAddress.version + 1, updated_at=clock.now())
    )


def _kept(session: Session, wanted: NewAddress) -> dict[str, str]:
    """Return the address as it is kept: a number without a country code is of the store's country."""
    told = wanted.model_dump(exclude={"is_default"}, exclude_none=True)
    if wanted.phone is None:
        return told
    try:
        number = phones.normalize(wanted.phone, stores.present_store(session).country)
    except ValueError as wrong:
        refused = FieldError(pointer("phone"), "phone_invalid", str(wrong))
        raise ValidationFailed("This is no phone number; see errors.", errors=[refused]) from wrong
    return told | {"phone": number}


def _masked(address: CustomerAddress) -> dict[str, Any]:
    shown = {name: audit.masked(value) for name, value in address.personal.items()}
    return {**shown, "is_default": address.is_default, "version": address.version}


def _note(
    session: Session,
    action: str,
    address: CustomerAddress,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    audit.record(session, action=action, entity=_ENTITY, entity_id=address.id, before=before, after=after)
