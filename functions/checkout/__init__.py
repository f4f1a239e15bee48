"""Checkout: the storefront's way from a cart to an order, and the merchants' in one call."""
