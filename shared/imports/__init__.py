"""Imports and exports: whole catalogs that come in and go out as files, in the form of other systems.

Answers for reading a file as it streams by, for what its cells mean, for the batches by which its products are
declared, and for writing the same form. Not for how products are kept (`inventory` and `catalog` do that), nor for how
long work is watched (`jobs`). May use `inventory`, `catalog`, `media`, `jobs` and `stores`.
"""
