"""How much money one may let go: the amount up to which a permission goes."""

from shared.core.errors import Forbidden
from shared.core.money import Money
from shared.core.principal import Principal


class OverLimit(Forbidden):
    """The permission goes up to an amount, and this is more; `limit` says how far it goes. Ask who may do more."""

    code = "over_limit"
    title = "Over your limit"


def require_within(principal: Principal, permission: str, amount: Money) -> None:
    """Refuse more than the principal's permission goes to; a permission without a limit goes to any amount.

    Whether they have the permission at all is not asked here. The limit is in the store's currency, as all its money.

    Raises:
        OverLimit: it is more.
    """
    limit = principal.limit(permission)
    if limit is not None and amount.amount > limit:
        most = Money(amount=limit, currency=amount.currency)
        detail = f"You may do this up to {most.format()}; ask somebody who may do more."
        raise OverLimit(detail, limit={"amount": limit, "currency": amount.currency})
