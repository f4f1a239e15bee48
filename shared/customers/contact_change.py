"""Another e-mail address or phone number for an account: proven first, and told to the one before."""

from uuid import UUID

from sqlalchemy.orm import Session

from shared.core import clock
from shared.core.principal import Session as SignedIn
from shared.customers import accounts, codes, contacts, proving, wording
from shared.customers.codes import Wish
from shared.customers.contacts import ContactIn, Reach
from shared.customers.masking import masked_change
from shared.customers.models import CodePurpose, Customer, CustomerCode
from shared.messaging import outgoing
from shared.orders import claiming
from shared.stores import queries as stores

PURPOSE = "customer_contact_changed"


def request(session: Session, signed_in: SignedIn, contact: ContactIn) -> CustomerCode:
    """Send a code to the new contact; nothing changes before it is shown. Whose it is at present is not looked up.

    Raises:
        StepUpRequired: who is signed in has not just proven who they are.
        ValidationFailed: it is no phone number.
        TooManyRequests: too many codes were sent.
    """
    proving.require_fresh(signed_in)
    store = stores.present_store(session)
    reach = contacts.reach(contact, store)
    customer = accounts.get(session, signed_in.user_id)
    wish = Wish(kind=reach.kind, value=reach.value, locale=customer.locale)
    return codes.send(session, store, wish, purpose=CodePurpose.CONTACT, customer_id=customer.id)


def confirm(session: Session, signed_in: SignedIn, code_id: UUID, code: str) -> Customer:
    """Let the proven contact take the place of the present one of its kind, which is told; claim its guests' orders.

    Raises:
        CodeRefused: the code proves nothing for this customer.
        ContactTaken: another account has proven it meanwhile.
        TooManyRequests: too many codes were tried.
    """
    wish = codes.redeem(session, code_id, code, purpose=CodePurpose.CONTACT, customer_id=signed_in.user_id)
    customer, reach = accounts.held(session, signed_in.user_id), wish.reach
    before, index = reach_of(customer, reach.kind), reach.index(customer.store_id)
    told = before or reach_of(customer, "phone" if reach.kind == "email" else "email")
    if reach.kind == "email":
        customer.email, customer.email_index, customer.email_verified_at = reach.value, index, clock.now()
    else:
        customer.phone, customer.phone_index, customer.phone_verified_at = reach.value, index, clock.now()
    accounts.touch(session, customer)
    old, new = masked_change(before.value if before else None, reach.value)
    accounts.note_change(session, customer, [reach.kind], {reach.kind: old}, {reach.kind: new})
    if told is not None:
        _tell(session, customer, told, now=reach)
    claiming.claim(session, customer.id, email=customer.email, phone=customer.phone)
    return customer


def reach_of(customer: Customer, kind: contacts.Kind) -> Reach | None:
    """Return the contact of a kind that a customer has proven."""
    value = customer.email if kind == "email" else customer.phone
    return Reach(kind, value) if value is not None else None


def _tell(session: Session, customer: Customer, to: Reach, *, now: Reach) -> None:
    store = stores.present_store(session)
    words = wording.in_language_of(customer.locale or store.locale)
    subject, text = wording.contact_message(words, store=store.name, now=now)
    outgoing.enqueue(
        session,
        to.channel,
        to=to.value,
        subject=subject,
        text=text,
        purpose=PURPOSE,
        dedupe_key=f"{PURPOSE}:{customer.id}:{customer.version}",
    )
