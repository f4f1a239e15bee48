"""The relay: from the outbox to the queues that subscribe."""
