"""Credentials over HTTP, for merchants. Each route is deployed as a Lambda of its own."""

from shared.core.functions import Api
from shared.core.request import Caller, StoreSession
from shared.core.typeids import CredentialId
from shared.identity import tokens
from shared.identity.models import CredentialKind
from shared.identity.schemas import CredentialOut, CredentialsOut, IssuedTokenOut, IssueToken

api = Api("identity", prefix="/api/v1/credentials", audience="merchant")


@api.get("", permission="token.manage")
def list_credentials(session: StoreSession) -> CredentialsOut:
    """List the store's keys and tokens, the newest first; secrets are never shown again."""
    return CredentialsOut(data=[CredentialOut.of(credential) for credential in tokens.list_credentials(session)])


@api.post("", status_code=201, permission="token.manage")
def issue_token(token: IssueToken, session: StoreSession, caller: Caller) -> IssuedTokenOut:
    """Make a secret token with some scopes, none that you lack. `token` is in this answer and nowhere else."""
    issued = tokens.issue(
        session,
        CredentialKind.SECRET,
        name=token.name,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
        granted_by=caller,
    )
    return IssuedTokenOut(token=issued.text, credential=CredentialOut.of(issued.credential))


@api.post("/publishable", status_code=201, permission="token.manage")
def issue_publishable_key(session: StoreSession) -> CredentialOut:
    """Make another publishable key, to replace one without a pause: revoke the old one once nobody sends it."""
    return CredentialOut.of(tokens.issue(session, CredentialKind.PUBLISHABLE, name="Storefront").credential)


@api.delete("/{credential_id}", permission="token.manage")
def revoke_credential(credential_id: CredentialId, session: StoreSession) -> CredentialOut:
    """Revoke a key or token, from the next request on."""
    return CredentialOut.of(tokens.revoke(session, credential_id))


handler = api.lambda_handler()
