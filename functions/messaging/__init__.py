"""Delivers messages to people: as soon as they are queued, and again when a try failed or got lost."""
