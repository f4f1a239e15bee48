"""The walls between stores: no credential of one reaches anything of another, on any route or table."""
