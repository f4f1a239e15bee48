"""What stands beside the audit entries: the blocks that seal them, and the archives that outlive them."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.tenancy import Base

MOST = 1000  # entries of one block


class AuditBlock(Base):
    """A link of a tenant's chain; append-only, numbered from 1 without gaps.

    `entry_ids` in order, `entry_hashes` theirs (32 bytes each): with these a verifier names the very row. Grows with
    the tenant's minutes that changed something, 50 bytes an entry and 400 a block, and is kept when its entries go.
    """

    __tablename__ = "audit_blocks"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number_from_one"),
        CheckConstraint(
            "row_count between 1 and 1000 "
            "and cardinality(entry_ids) = row_count and length(entry_hashes) = 32 * row_count",
            name="rows_add_up",
        ),
        Index("audit_blocks_by_last_id", "store_id", "last_id"),
        Index("audit_blocks_first", "store_id", postgresql_where=text("number = 1")),
    )

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    previous_hash: Mapped[bytes]
    root: Mapped[bytes]  # of the Merkle tree over the entries
    entry_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    entry_hashes: Mapped[bytes]
    row_count: Mapped[int]
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    sealed_at: Mapped[datetime]
    key_version: Mapped[int]
    hash: Mapped[bytes]  # of all columns above, see `chain.header_hash`
    mac: Mapped[bytes]


class AuditArchive(Base):
    """A file of a month's entries in the vault, which was read back; append-only. A few a month and tenant."""

    __tablename__ = "audit_archives"

    store_id: Mapped[UUID] = mapped_column(primary_key=True)
    month: Mapped[date] = mapped_column(primary_key=True)  # its first day
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_id: Mapped[UUID]
    last_id: Mapped[UUID]
    row_count: Mapped[int]
    size: Mapped[int]  # bytes
    sha256: Mapped[bytes]  # of the file as it lies in the vault
    archived_at: Mapped[datetime]
