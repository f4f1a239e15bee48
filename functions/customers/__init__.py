"""Customers over HTTP: signing in to a store, one's own account, and what merchants may do to it."""
