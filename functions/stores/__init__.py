"""Stores over HTTP, for operators, merchants and shoppers."""
