"""The audit trail, sealed."""
