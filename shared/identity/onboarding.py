"""A merchant's first minute: a store with the keys to use it."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from shared.core import tenancy
from shared.core.permissions import PERMISSIONS
from shared.identity import tokens
from shared.identity.models import CredentialKind
from shared.stores import opening
from shared.stores.models import Store
from shared.stores.schemas import OpenStore


class Onboarded(NamedTuple):
    """A new store and its first keys; the secret is shown this once."""

    store: Store
    publishable_key: str
    secret_token: str


def onboard(session: Session, request: OpenStore) -> Onboarded:
    """Open a store and make its publishable key and a secret token with every scope.

    Comes from an unbound session and leaves it bound to the new store.

    Raises:
        SlugTaken: another store has the slug.
        ValidationFailed: the time zone does not exist.
    """
    store = opening.open_store(session, request)
    with tenancy.within(session, store.id):
        publishable = tokens.issue(session, CredentialKind.PUBLISHABLE, name="Storefront")
        secret = tokens.issue(session, CredentialKind.SECRET, name="Owner", scopes=frozenset(PERMISSIONS))
    return Onboarded(store, publishable.text, secret.text)
