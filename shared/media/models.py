"""Pictures and what became of them."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from shared.core.lives import RESTORABLE, Purge, TenantLife
from shared.core.tenancy import Base, StoreOwned
from shared.media.states import MediaStatus


class MediaSource(StrEnum):
    """Where a picture comes from."""

    UPLOAD = "upload"
    REMOTE = "remote"  # fetched from `source_url`


class MediaAsset(StoreOwned, Base):
    """One picture: what was sent, and the renditions that were made of it. Three to ten a product; 3 KB a row.

    `renditions`: [{"format": "avif", "width": 640, "height": 480, "bytes": 31000, "key": "..."}], by format and width.
    `due_at` is when somebody takes it (again): a worker, whose lease ends then while it is `processing`; the sweep,
    for an upload that never came; and for a deleted picture whoever removes its files, before its row is purged.
    """

    __tablename__ = "media_assets"
    __tenant_life__ = TenantLife(purge=Purge("deleted_at", RESTORABLE + timedelta(days=10)))  # its files go before it
    __table_args__ = (
        CheckConstraint(
            "status in ('awaiting_upload', 'queued', 'processing', 'ready', 'refused', 'failed')",
            name="status_is_known",
        ),
        CheckConstraint("source in ('upload', 'remote')", name="source_is_known"),
        CheckConstraint("(source = 'remote') = (source_url is not null)", name="remote_has_a_url"),
        CheckConstraint("(source_url is null) = (source_key is null)", name="url_has_a_key"),
        CheckConstraint(
            "deleted_at is not null or (status in ('awaiting_upload', 'queued', 'processing')) = (due_at is not null)",
            name="due_while_unfinished",
        ),
        # A digest of the address, since md5() in an index is of no use under row-level security: it may leak.
        Index(
            "media_assets_by_source",
            "store_id",
            "source_key",
            unique=True,
            postgresql_where=text("source_key is not null and deleted_at is null"),
        ),
        Index("media_assets_by_birth", "store_id", "created_at", "id"),
        Index("media_assets_due", "store_id", "due_at", postgresql_where=text("due_at is not null")),
        Index("media_assets_by_deletion", "store_id", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    status: Mapped[MediaStatus]
    source: Mapped[MediaSource]
    source_url: Mapped[str | None]
    source_key: Mapped[UUID | None]  # 128 bits of SHA-256 of `source_url`
    file_name: Mapped[str] = mapped_column(default="", server_default="")
    media_type: Mapped[str | None]  # as declared, until it was decoded; then what it is
    size_bytes: Mapped[int | None]  # of the original; as declared, until it was decoded
    width: Mapped[int | None]  # pixels of the original, upright
    height: Mapped[int | None]
    digest: Mapped[bytes | None]  # SHA-256 of the original
    renditions: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list, server_default=text("'[]'"))
    refusal: Mapped[str | None]  # the code of why it is not shown, or not yet
    attempts: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    due_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
