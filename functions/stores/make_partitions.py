"""Makes the monthly partitions of the logs before their month comes."""

from shared.core import database
from shared.core.functions import schedule
from shared.stores import upkeep


@schedule("rate(1 day)", timeout=60)
def make_partitions() -> None:
    """Make what is missing of this month and the next three; on most days that is nothing."""
    with database.transaction() as session:
        upkeep.make_partitions(session)


handler = make_partitions.handler
