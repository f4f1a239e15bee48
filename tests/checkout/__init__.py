"""From a cart to an order."""
