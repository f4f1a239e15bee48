"""Customers' accounts of a store."""
