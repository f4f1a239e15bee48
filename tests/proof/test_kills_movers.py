"""No list of what moves money or stock is trusted: it is held against what code can write, and was seen to write."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from shared.core import ids, topology
from shared.inventory.models import AdjustmentKind, StockLevel
from shared.payments.models import PaymentAttempt
from tests.application import Watch
from tests.database import Sql
from tests.factories import a_store
from tests.figures import Figures
from tests.proof import kills_list, kills_movers
from tests.proof.kills_elsewhere import ANEW, NOT_WRITING, SPENDING
from tests.proof.kills_list import ACTS, MOVING
from tests.tenancy import living
from tests.tenancy.living import Body
from tests.tenancy.routes import CASES
from tests.tenancy.world import a_world, an_operator

ENDPOINTS = {endpoint.name: endpoint for endpoint in topology.load().endpoints}


@pytest.fixture(scope="module")
def killed_everywhere() -> set[str]:
    """Return the functions that are killed at each of their steps."""
    return {act.of for act in kills_list.everywhere()}


def test_whatever_can_move_money_or_stock_is_killed_at_each_of_its_steps(
    killed_everywhere: set[str], figures: Figures
) -> None:
    movers = kills_movers.movers()

    assert {name: sorted(written) for name, written in movers.items() if name not in killed_everywhere} == {}
    assert len(movers) >= 14  # a walk that follows nothing finds nobody
    assert {act.of for act in MOVING} >= {"catalog-declare-products", "imports-run", "orders-collect-payment"}
    figures.add("kills", movers_by_their_code=len(movers))


def test_of_each_domain_with_tables_it_is_said_whether_it_moves_money_or_stock() -> None:
    assert kills_movers.unsorted() == set()


def test_whatever_else_writes_is_killed_by_turns(killed_everywhere: set[str]) -> None:
    writing = {name for name, endpoint in ENDPOINTS.items() if endpoint.method not in NOT_WRITING}
    consuming = {consumer.name for consumer in topology.load().consumers}

    killed = {act.of for act in ACTS.values()}

    assert writing | consuming == killed
    assert {act.of for act in kills_list.by_turns()} == killed - killed_everywhere
    assert set(SPENDING) <= set(ANEW) <= killed - killed_everywhere


def test_no_request_was_seen_to_move_money_or_stock_but_those_that_are_killed_everywhere(
    watch: Watch, sql: Sql, killed_everywhere: set[str], figures: Figures
) -> None:
    world, seen = a_world(), {}
    for name, (route, case) in CASES.items():
        endpoint = ENDPOINTS[route]
        if endpoint.method in NOT_WRITING or route in killed_everywhere:
            continue
        call = case(world)
        callers = {"merchant": world.store.merchant, "storefront": world.store.shopper}
        caller = call.by or callers.get(endpoint.audience) or an_operator(sql, endpoint.permission or "")
        send = partial(call.send, caller, endpoint.method, endpoint.path, str(ids.new_id()))
        seen[name] = written_by(watch, send)

    assert {name: sorted(written) for name, written in seen.items() if written} == {}
    assert len(seen) > 40
    figures.add("kills", requests_seen_to_move_nothing=len(seen))


def test_no_message_was_seen_to_move_money_or_stock_but_those_that_are_killed_everywhere(
    watch: Watch, killed_everywhere: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {consumer.queue: consumer.name for consumer in topology.load().consumers}
    seen: dict[str, set[str]] = {}
    taking = living.deliver

    def deliver(queue: str, body: Body) -> bool:
        seen.setdefault(names[queue], set()).update(written_by(watch, partial(taking, queue, body)))
        return True

    monkeypatch.setattr(living, "deliver", deliver)
    living.live(a_world())

    assert {name for name, written in seen.items() if written} <= killed_everywhere
    assert seen.keys() == set(names.values())


def test_a_new_way_to_the_shelf_is_seen_in_its_code_however_it_gets_there() -> None:
    def behind_a_lazy_import(session: Session) -> None:
        from shared.inventory.stock import adjust  # noqa: PLC0415 -- as functions do, to start fast

        adjust(session, UUID(int=0), delta=1, kind=AdjustmentKind.MANUAL, reason="")

    def by_a_statement_of_its_own(session: Session) -> None:
        session.execute(text("with gone as (delete from only public.stock_reservations returning 1) select 1"))

    def by_a_row(session: Session) -> None:
        session.add(PaymentAttempt(amount=1))

    def in_vain(session: Session) -> None:
        session.execute(text("select 1 from stock_levels for update of stock_levels"))

    assert kills_movers.can_write(behind_a_lazy_import) >= {"stock_levels", "inventory_adjustments"}
    assert kills_movers.can_write(by_a_statement_of_its_own) == {"stock_reservations"}
    assert kills_movers.can_write(by_a_row) == {"payment_attempts"}
    assert kills_movers.can_write(in_vain) == frozenset()


def test_a_field_that_is_set_shows_in_no_code_and_is_seen_in_the_statements(watch: Watch) -> None:
    store = a_store(stock={"MUG": 1})

    def change() -> None:
        with store.session() as session:
            for level in session.scalars(select(StockLevel)):
                level.safety_stock = 1

    assert kills_movers.can_write(change) == frozenset()
    assert written_by(watch, change) == {"stock_levels"}


def written_by(watch: Watch, act: Callable[[], object]) -> set[str]:
    """Return the tables of money and stock that were written while something was done."""
    mark = len(watch.statements)
    act()
    return {table for statement in watch.statements[mark:] for table in kills_movers.written_by(statement)}
