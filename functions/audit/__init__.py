"""The audit trail: read and verified over HTTP, sealed by the minute, its heads kept daily, old months archived."""
