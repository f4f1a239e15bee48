"""Messages to people: queued once, delivered with patience."""
