"""Payments: attempts and gateways."""
