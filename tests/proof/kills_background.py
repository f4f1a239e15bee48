"""What happens by itself: the relay, the clock's work on reservations, confirmations, and messages to people."""

import json
from datetime import timedelta
from random import Random

from functions.events import relay
from functions.inventory import expire_reservations
from functions.messaging import deliver as deliver_function
from functions.messaging import deliver_due, sweep
from functions.orders import confirm
from infra.local import events
from shared.core import consumers
from shared.messaging import delivery, outgoing
from tests.checkout.purchases import a_cart
from tests.proof.kills_acts import EXPIRED, Act, Call
from tests.proof.kills_world import MESSAGES, World, deliver

# AWS asks that a message stays invisible for six times its consumer's time-out; the queues of `infra` do.
_TIMES = 6
_MARGIN = timedelta(seconds=1)


def expire_holds(world: World, rng: Random) -> Call:
    """Let the worker release a store's expired reservations."""
    body = json.dumps({"store_id": str(world.store.id)})
    world.tick(minutes=EXPIRED)
    deliver(expire_reservations.expire, body)  # what acts before left behind
    a_cart(world.store, world.basket(rng)).started()
    world.tick(minutes=EXPIRED)
    return message(expire_reservations.expire, body)


def relay_events(world: World, rng: Random) -> Call:
    """Let the relay claim the events of an order, send them to their queues, and forget them."""
    world.order(world.basket(rng))
    return message(relay.events, json.dumps({"store_id": str(world.store.id)}))


def confirm_order(world: World, rng: Random) -> Call:
    """Let the consumer write the confirmation of an order."""
    return message(confirm.confirm, _order_told(world, rng))


def deliver_message(world: World, rng: Random) -> Call:
    """Let the consumer send a message that was just queued: claim, send, settle."""
    return message(deliver_function.deliver, _message_queued(world, rng))


def deliver_left_behind(world: World, rng: Random) -> Call:
    """Let the worker send what nobody was told of: claim, send, settle."""
    sweep_messages(world)  # what acts before left behind
    _message_queued(world, rng)
    world.clock.tick(outgoing.GRACE + _MARGIN)
    return message(deliver_due.deliver_due, json.dumps({"store_id": str(world.store.id)}))


BACKGROUND = (
    Act("worker: expire reservations", "inventory-expire-reservations", expire_holds),
    Act("worker: relay events", "events-relay", relay_events),
    Act("worker: confirm an order", "orders-confirm", confirm_order),
    Act("worker: deliver a message", "messaging-deliver", deliver_message),
    Act("worker: deliver what was left", "messaging-deliver-due", deliver_left_behind),
)


def sweep_messages(world: World) -> None:
    """Let the sweep of messages find what a dead sender had claimed, once its lease is over."""
    world.clock.tick(delivery.LEASE + _MARGIN)
    mark = world.sent.size()
    sweep.handler(events.schedule_event("messaging-sweep"), events.context("messaging-sweep"))
    for body in world.sent.since(mark, "due-messages"):
        deliver(deliver_due.deliver_due, body)


def message(consumer: consumers.Consumer, body: str) -> Call:
    invisible = timedelta(seconds=_TIMES * consumer.declared.timeout)
    return Call(lambda: deliver(consumer, body), again_after=invisible)


def _order_told(world: World, rng: Random) -> str:
    """Place an order, and return what the relay tells the confirmations of it."""
    order = world.order(world.basket(rng))
    [told] = [body for body in world.drain() if json.loads(body)["event"]["payload"]["order_id"] == order["id"]]
    return told


def _message_queued(world: World, rng: Random) -> str:
    """Place an order and confirm it; return what the relay tells the senders of the confirmation."""
    deliver(confirm.confirm, _order_told(world, rng))
    mark = world.sent.size()
    world.drain()
    [queued] = world.sent.since(mark, MESSAGES)
    return queued
