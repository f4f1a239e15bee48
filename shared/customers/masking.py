"""Personal values in audit entries: masked, and still seen to differ where they do."""

from shared.core import audit


def masked_change(before: str | None, after: str | None) -> tuple[str | None, str | None]:
    """Return both values masked; of two that look alike so, the later one says that it is another."""
    old, new = audit.masked(before), audit.masked(after)
    return old, f"{new} (another)" if old == new and before != after else new
