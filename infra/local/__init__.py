"""The same topology on one machine: PostgreSQL, queues, schedules and the gateway."""
