"""What imports keep beside their job."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from shared.core.lives import TenantLife
from shared.core.tenancy import Base, StoreOwned


class ImportedProduct(StoreOwned, Base):
    """A product that an import has met in its file: one that comes a second time is reported, and not taken.

    As many rows as the file has products, while the import runs; its worker removes them at the end, and they go with
    their job otherwise.
    """

    __tablename__ = "imported_products"
    __tenant_life__: ClassVar[TenantLife] = TenantLife(exported=False)
    __table_args__ = (
        UniqueConstraint("store_id", "job_id", "slug"),
        ForeignKeyConstraint(["store_id", "job_id"], ["jobs.store_id", "jobs.id"], ondelete="CASCADE"),
    )

    job_id: Mapped[UUID]
    slug: Mapped[str]  # in a dry run also "sku:..." of each SKU
    line: Mapped[int]  # of the file, where it begins
