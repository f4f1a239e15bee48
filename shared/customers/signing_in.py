"""Signing in, by a code or by a password; registering is signing in by a code for the first time.

Nothing that is answered before a proof depends on who has an account, nor does what is done for it: a request for a
code looks nobody up, and a password is compared with something even where there is nothing to compare it with.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared.core import audit, clock, database, ids, outbox, passwords, records, tenancy
from shared.core.errors import Problem
from shared.customers import codes, contacts, limits, sessions
from shared.customers.codes import Wish
from shared.customers.contacts import ContactIn, Reach
from shared.customers.events import CustomerRegistered
from shared.customers.models import CodePurpose, Customer, CustomerCode, CustomerStatus, Proof
from shared.customers.schemas import Register, RequestCode
from shared.customers.sessions import Tokens
from shared.orders import claiming
from shared.stores import queries as stores


class SignInRefused(Problem):
    """The password is not that of a customer with this contact: which of them is wrong is not told."""

    status = 401
    code = "sign_in_refused"
    title = "Not signed in"


class AccountDisabled(Problem):
    """Who they are is proven, and the shop does not let them in."""

    status = 403
    code = "account_disabled"
    title = "Account disabled"


@dataclass(frozen=True)
class SignedInCustomer:
    """A customer who has just signed in, with their tokens; `is_new`: they were none before."""

    customer: Customer
    tokens: Tokens
    is_new: bool = False


def register(session: Session, wanted: Register) -> CustomerCode:
    """Send a code to the contact; with it the account comes into being (`by_code`). Costs the same for every contact.

    Raises:
        ValidationFailed: it is no phone number.
        PasswordRefused: the password could be guessed.
        TooManyRequests: too many codes were sent.
    """
    store = stores.present_store(session)
    reach = contacts.reach(wanted, store)
    if wanted.password is not None:
        about = (reach.value, wanted.name or "", store.name)
        passwords.require_good(wanted.password, about=about)
    wish = Wish(
        kind=reach.kind,
        value=reach.value,
        name=wanted.name,
        locale=wanted.locale,
        password_hash=passwords.hash(wanted.password) if wanted.password is not None else None,
    )
    return codes.send(session, store, wish, purpose=CodePurpose.SIGN_IN)


def request_code(session: Session, wanted: RequestCode) -> CustomerCode:
    """Send a code to the contact, to sign in with. Costs the same for every contact.

    Raises:
        ValidationFailed: it is no phone number.
        TooManyRequests: too many codes were sent.
    """
    store = stores.present_store(session)
    reach = contacts.reach(wanted, store)
    wish = Wish(kind=reach.kind, value=reach.value, locale=wanted.locale)
    return codes.send(session, store, wish, purpose=CodePurpose.SIGN_IN)


def by_code(session: Session, code_id: UUID, code: str, *, replacing: UUID | None) -> SignedInCustomer:
    """Sign in whoever has proven a contact; the account is made if there is none, and guests' orders become theirs.

    Of two who prove one contact at once, one makes the account and both are in it. An account that is there keeps its
    name, language and password, whatever was sent when the code was asked for.

    Raises:
        CodeRefused: the code proves nothing.
        AccountDisabled: the shop does not let them in.
        TooManyRequests: too many codes were tried.
    """
    wish = codes.redeem(session, code_id, code, purpose=CodePurpose.SIGN_IN)
    customer = find(session, wish.reach)
    is_new = customer is None and _make(session, wish)
    customer = customer or find(session, wish.reach)
    if customer is None:
        message = "A contact was proven, and neither had an account nor could get one."
        raise RuntimeError(message)
    _require_active(customer)
    if is_new:
        _tell_registered(session, customer)
    claiming.claim(session, customer.id, email=customer.email, phone=customer.phone)
    return SignedInCustomer(
        customer, sessions.begin(session, customer, proof=Proof.CODE, replacing=replacing), is_new=is_new
    )


def by_password(session: Session, contact: ContactIn, password: str, *, replacing: UUID | None) -> SignedInCustomer:
    """Sign in by a contact and the account's password.

    Raises:
        SignInRefused: nobody has this contact and this password.
        AccountDisabled: the shop does not let them in.
        ValidationFailed: it is no phone number.
        TooManyRequests: too many were tried.
    """
    store = stores.present_store(session)
    reach = contacts.reach(contact, store)
    limits.take_password(store.id, reach)
    customer = find(session, reach)
    kept = bytes(customer.password_digest).decode() if customer and customer.password_digest else None
    if not passwords.matches(kept, password) or customer is None or kept is None:
        _note_refusal(store.id, reach)
        raise SignInRefused("This contact and this password do not belong together.")
    _require_active(customer)
    if passwords.needs_rehash(kept):
        customer.password_digest = passwords.hash(password).encode()
    return SignedInCustomer(customer, sessions.begin(session, customer, proof=Proof.PASSWORD, replacing=replacing))


def find(session: Session, reach: Reach) -> Customer | None:
    """Return the customer who has proven this contact, disabled ones too. One statement, by index.

    Nobody can disable or delete them until this transaction ends: a session that begins now would outlive that.
    """
    index, proven = (
        (Customer.email_index, Customer.email_verified_at)
        if reach.kind == "email"
        else (Customer.phone_index, Customer.phone_verified_at)
    )
    wanted = select(Customer).where(
        index == reach.index(tenancy.require_store(session)), proven.is_not(None), Customer.deleted_at.is_(None)
    )
    held = wanted.with_for_update(read=True)
    return session.scalars(held, execution_options={"populate_existing": True}).one_or_none()


def _make(session: Session, wish: Wish) -> bool:
    """Make the account; False where somebody else has just made it."""
    reach, now = wish.reach, clock.now()
    index, proven = f"{reach.kind}_index", f"{reach.kind}_verified_at"
    made = session.execute(
        insert(Customer)
        .values(
            id=ids.new_id(),
            name=wish.name,
            locale=wish.locale,
            status=CustomerStatus.ACTIVE,
            version=1,
            created_at=now,
            updated_at=now,
            password_digest=wish.password_hash.encode() if wish.password_hash else None,
            password_changed_at=now if wish.password_hash else None,
            **{reach.kind: reach.value, index: reach.index(tenancy.require_store(session)), proven: now},
        )
        .on_conflict_do_nothing(
            index_elements=["store_id", index],
            index_where=getattr(Customer, proven).is_not(None) & Customer.deleted_at.is_(None),
        )
        .returning(Customer.id)
    ).one_or_none()
    return made is not None


def _require_active(customer: Customer) -> None:
    if customer.status is not CustomerStatus.ACTIVE:
        raise AccountDisabled("The shop has disabled this account. Contact the shop.")


def _tell_registered(session: Session, customer: Customer) -> None:
    audit.record(
        session,
        action="customer.registered",
        entity="customer",
        entity_id=customer.id,
        after={
            "name": audit.masked(customer.name),
            "email": audit.masked(customer.email),
            "phone": audit.masked(customer.phone),
        },
    )
    outbox.record(session, CustomerRegistered(customer_id=customer.id, version=customer.version))


def _note_refusal(store_id: UUID, reach: Reach) -> None:
    """Leave an entry although the request is refused; the same one, whether or not somebody has the contact."""
    with database.transaction_beside(store_id) as beside:
        audit.record(
            beside,
            action="customer.sign_in_refused",
            entity="sign_in",
            entity_id=ids.new_id(),
            after={"by": Proof.PASSWORD.value, reach.kind: audit.masked(reach.value)},
            severity="notice",
        )
        records.write(beside)
