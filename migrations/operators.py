"""Operators' tokens for the platform's own API: let in with the owner's rights, like the schema itself.

The application's role can neither read nor write the table of them. Whoever makes a token (the local runner, the
deployment) keeps its text where operators find it; the database holds its SHA-256.
"""

import hashlib

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

PREFIX = "op_"
SUPERUSER = "admin.superuser"

_ENSURE = text("""
insert into platform_tokens (id, name, digest, scopes, created_at)
values (uuidv7(), :name, :digest, array[:scope], now()) on conflict (digest) do nothing
""")


def ensure_operator(owner_url: str, token: str, *, name: str = "Operator") -> None:
    """Do what `let_operator_in` does, in a transaction of its own.

    `owner_url` is the database, by the role that owns the schema, which must be migrated.
    """
    engine = create_engine("postgresql+pg8000://" + owner_url.split("://", 1)[1], poolclass=NullPool)
    try:
        with engine.begin() as connection:
            let_operator_in(connection, token, name=name)
    finally:
        engine.dispose()


def let_operator_in(connection: Connection, token: str, *, name: str = "Operator") -> None:
    """Let an operator's token in, with every permission; one that is in already, or was revoked, stays as it is.

    `connection` is the schema's owner's, and the caller commits.

    Raises:
        ValueError: the text is no operator's token.
    """
    if not token.startswith(PREFIX):
        message = f"An operator's token begins with {PREFIX}."
        raise ValueError(message)
    digest = hashlib.sha256(token.encode()).digest()
    connection.execute(_ENSURE, {"name": name, "digest": digest, "scope": SUPERUSER})
