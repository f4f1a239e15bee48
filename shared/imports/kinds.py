"""The kinds of jobs that imports and exports are; each names its queue, too."""

IMPORT = "product_import"
EXPORT = "product_export"
