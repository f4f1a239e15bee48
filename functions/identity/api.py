"""Credentials over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from datetime import timedelta

from shared.core.functions import Api
from shared.core.request import Caller, StoreSession
from shared.core.typeids import CredentialId
from shared.identity import tokens
from shared.identity.models import CredentialKind
from shared.identity.schemas import (
    CredentialOut,
    CredentialsOut,
    IssuedTokenOut,
    IssueToken,
    RotateToken,
    TokenUseOut,
    TokenUsesOut,
)
from shared.identity.tokens import NotRotatable

api = Api("identity", prefix="/api/v1/credentials", audience="merchant")


@api.get("", permission="token.manage")
def list_credentials(session: StoreSession) -> CredentialsOut:
    """List the store's keys and tokens, the newest first; secrets are never shown again."""
    return CredentialsOut(data=[CredentialOut.of(credential) for credential in tokens.list_credentials(session)])


@api.post("", status_code=201, permission="token.manage", step_up=True)
def issue_token(token: IssueToken, session: StoreSession, caller: Caller) -> IssuedTokenOut:
    """Make a secret token with some scopes, none that you lack. `token` is in this answer and nowhere else.

    It may do no more than you may at the moment: what you lose, it loses.
    """
    issued = tokens.issue(
        session,
        CredentialKind.SECRET,
        name=token.name,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
        allowed_addresses=token.allowed_addresses,
        granted_by=caller,
    )
    return IssuedTokenOut(token=issued.text, credential=CredentialOut.of(issued.credential))


@api.post("/catalog-token", status_code=201, permission="token.manage", step_up=True)
def issue_catalog_token(session: StoreSession, caller: Caller) -> IssuedTokenOut:
    """Make a token that reads the catalog and nothing else, for a feed or a search engine."""
    issued = tokens.issue_for_catalog(session, granted_by=caller)
    return IssuedTokenOut(token=issued.text, credential=CredentialOut.of(issued.credential))


@api.post("/publishable", status_code=201, permission="token.manage")
def issue_publishable_key(session: StoreSession, caller: Caller) -> CredentialOut:
    """Make another publishable key, to replace one without a pause: revoke the old one once nobody sends it."""
    issued = tokens.issue(session, CredentialKind.PUBLISHABLE, name="Storefront", granted_by=caller)
    return CredentialOut.of(issued.credential)


@api.post(
    "/{credential_id}/rotations", status_code=201, permission="token.manage", step_up=True, raises=(NotRotatable,)
)
def rotate_token(
    credential_id: CredentialId, rotation: RotateToken, session: StoreSession, caller: Caller
) -> IssuedTokenOut:
    """Replace a token's secret without a pause: the new one works at once, the old one for some hours more."""
    issued = tokens.rotate(session, credential_id, overlap=timedelta(hours=rotation.overlap_hours), granted_by=caller)
    return IssuedTokenOut(token=issued.text, credential=CredentialOut.of(issued.credential))


@api.get("/{credential_id}/uses", permission="token.manage")
def list_token_uses(credential_id: CredentialId, session: StoreSession) -> TokenUsesOut:
    """List what a token was used for in the last ninety days: how often, and from where last. Written with a delay."""
    return TokenUsesOut(data=[TokenUseOut.of(use) for use in tokens.list_uses(session, credential_id)])


@api.delete("/{credential_id}", permission="token.manage")
def revoke_credential(credential_id: CredentialId, session: StoreSession) -> CredentialOut:
    """Revoke a key or token, from the next request on."""
    return CredentialOut.of(tokens.revoke(session, credential_id))


handler = api.lambda_handler()
