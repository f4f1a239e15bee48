"""Carts: the storefront's endpoints, and what ages them."""
