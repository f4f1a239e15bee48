"""Recovery codes: ten of them, shown once, for who has lost their authenticator app.

Each has 120 random bits, so its SHA-256 is kept without salt or slow hash (ASVS 6.5.2 asks for that below 112).
"""

import base64
import hashlib
import secrets

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from shared.core import clock, ids
from shared.identity.models.factors import RecoveryCode

HOW_MANY = 10
_BYTES = 15  # 24 characters of base 32
_GROUP = 4


def make(session: Session) -> list[str]:
    """Give the bound person ten new codes; earlier ones are worth nothing from now on. They are shown this once."""
    session.execute(delete(RecoveryCode))
    codes = [base64.b32encode(secrets.token_bytes(_BYTES)).decode() for _ in range(HOW_MANY)]
    now = clock.now()
    session.add_all(RecoveryCode(id=ids.new_id(), digest=_digest(code), created_at=now) for code in codes)
    session.flush()
    return ["-".join(code[at : at + _GROUP] for at in range(0, len(code), _GROUP)) for code in codes]


def use(session: Session, code: str) -> bool:
    """Use one of the bound person's codes up; tell whether it was one. Of two who use one code at once, one can."""
    used = session.scalar(
        update(RecoveryCode)
        .where(RecoveryCode.digest == _digest(code), RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(RecoveryCode.id)
    )
    return used is not None


def left(session: Session) -> int:
    """Return how many codes the bound person has left."""
    return session.scalar(select(func.count(RecoveryCode.id)).where(RecoveryCode.used_at.is_(None))) or 0


def forget(session: Session) -> None:
    """Make the bound person's codes worth nothing."""
    session.execute(delete(RecoveryCode))


def _digest(code: str) -> bytes:
    written = "".join(code.split()).replace("-", "").upper()
    return hashlib.sha256(written.encode(errors="replace")).digest()
