"""Terms: the ids that a product bears and is filtered by, beside those of its categories, brand, labels and choices."""

from uuid import UUID, uuid5

IN_STOCK = UUID(int=1)  # every product has one of the two, so that one index answers for these, too
SOLD_OUT = UUID(int=2)


def flag_term(attribute_id: UUID, flag: bool) -> UUID:  # noqa: FBT001 -- the attribute's value
    """Return the term of a product that has this value in an attribute that is true or false."""
    return uuid5(attribute_id, "true" if flag else "false")
