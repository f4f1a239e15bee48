"""Catalog: what a store sells. Products are what shoppers see; their variants, with SKU and price, are what they buy.

Answers for titles, prices, pictures, what groups and describes products, publication, deletion and restoring, and for
declaring whole products, hundreds at once. Knows nothing of stock: whether a variant can be had now is `inventory`'s,
which stands above. May use `media`, `stores`.
"""
