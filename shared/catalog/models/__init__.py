"""The catalog's tables. Here: products with their variants, which most domains' rows point at.

What groups products is in `groups`, what merchants define for them in `definitions`: both cost time to import, and only
the catalog's own functions need them.
"""

from shared.catalog.models.products import FormerSlug, Product, ProductImage, ProductStatus, Variant

__all__ = ["FormerSlug", "Product", "ProductImage", "ProductStatus", "Variant"]
