"""The demo stores of a first start: opened and filled by the API's own handlers, as an operator and a merchant would.

Safe to start again after a crash half way: every request has a fixed Idempotency-Key, so what was done is answered
again, the secret token included, and what was not is done now.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.local import events, operators, routing
from infra.local.state import DemoStore
from shared.core import ids, topology
from shared.core.settings import settings

# What stands in them is what the API takes, but for `products`. The first has a whole assortment; the second is small,
# and there so that two tenants can be told apart.
_STORES = ("demo_rupali.json", "demo_banani_books.json")
_CREATED = 201
_TAKEN = "store_slug_taken"
_USED = "invitation_not_found"
_PASSWORD_LENGTH = 24  # of base 32: 120 bits
_SHOWING = "product-summaries-due"  # the queue of what makes shoppers see all that a store has


class NotSeeded(Exception):
    """The API refused what the demo stores are made of; the message says what and why."""


@dataclass(frozen=True)
class _Answer:
    status: int
    content: dict[str, Any]


class _Api:
    """Calls the handlers in this process, with the events that API Gateway would send."""

    def __init__(self) -> None:
        self._routes = routing.Routes(topology.load().endpoints)

    def post(self, path: str, content: Mapping[str, Any], *, token: str | None, key: str) -> _Answer:
        match = self._routes.find("POST", path)
        if match is None:
            message = f"There is no route POST {path}."
            raise NotSeeded(message)
        event = events.http_event(
            "POST",
            path,
            route=match.route.path,
            path_parameters=match.parameters,
            headers={
                **({"Authorization": f"Bearer {token}"} if token else {}),
                "Content-Type": "application/json",
                "Idempotency-Key": key,
            },
            body=json.dumps(content),
        )
        context = events.context(match.route.name, memory=match.route.memory, timeout=match.route.timeout)
        answer = routing.handler(match.route.handler)(event, context)
        body = answer["body"]
        told = json.loads(base64.b64decode(body) if answer.get("isBase64Encoded") else body)
        return _Answer(answer["statusCode"], told)

    def show(self, store: DemoStore) -> None:
        """Let shoppers see at once what events, once the system runs, show within a second or two."""
        consumer = next(one for one in topology.load().consumers if one.queue == _SHOWING)
        event = events.sqs_event(_SHOWING, [json.dumps({"store_id": str(ids.decode("store", store.id))})])
        context = events.context(consumer.name, memory=consumer.memory, timeout=consumer.timeout)
        routing.handler(consumer.handler)(event, context)


def seed() -> list[DemoStore]:
    """Open the demo stores and put their products on sale; return them with their credentials.

    Needs the environment of a function, and a database that has let the local operator in (see `operators`).

    Raises:
        NotSeeded: the API refused.
    """
    api = _Api()
    operator = operators.token(settings().local_dir)
    return [_seed(api, operator, json.loads(Path(__file__).with_name(file).read_text("utf-8"))) for file in _STORES]


def _seed(api: _Api, operator: str, wanted: dict[str, Any]) -> DemoStore:
    products = wanted.pop("products")
    opened = _open(api, operator, wanted)
    store = DemoStore(
        id=opened["store"]["id"],
        slug=opened["store"]["slug"],
        publishable_key=opened["publishable_key"],
        secret_token=opened["secret_token"],
        **_settle_owner(api, operator, opened),
    )
    for product in products:
        answer = api.post(
            "/api/v1/products",
            {"status": "active", **product},
            token=store.secret_token,
            key=f"demo-{product['slug']}",
        )
        if answer.status != _CREATED:
            raise _refused(f"the product {product['slug']}", answer)
    api.show(store)
    return store


def _open(api: _Api, operator: str, store: dict[str, Any]) -> dict[str, Any]:
    """Open the store; under another slug where the database has a store of this one whose keys nobody here knows."""
    slug, number = store["slug"], 1
    while True:
        answer = api.post("/api/v1/platform/stores", {**store, "slug": slug}, token=operator, key=f"demo-{slug}")
        if answer.status == _CREATED:
            return answer.content
        if answer.content.get("code") != _TAKEN:
            raise _refused(f"the store {slug}", answer)
        number += 1
        slug = f"{store['slug']}-{number}"


def _settle_owner(api: _Api, operator: str, opened: dict[str, Any]) -> dict[str, str]:
    """Let an owner sign up by the operator's invitation; return how they sign in, the same however often it is asked.

    The password is made of the operator's token and the store's name: nobody else knows it, and a crash loses nothing.
    """
    slug = opened["store"]["slug"]
    email = f"owner@{slug}.example"
    made_of = hmac.digest(operator.encode(), f"the demo's owner of {slug}".encode(), hashlib.sha256)
    password = base64.b32encode(made_of).decode().lower()[:_PASSWORD_LENGTH]
    path = f"/api/v1/platform/organizations/{opened['organization_id']}/owner"
    invited = api.post(path, {"email": email}, token=operator, key=f"demo-owner-{slug}")
    if invited.status != _CREATED:
        raise _refused(f"an invitation to own {slug}", invited)
    wanted = {"token": invited.content["token"], "name": "Demo Owner", "password": password}
    joined = api.post("/api/v1/invitations/sign-up", wanted, token=None, key=f"demo-join-{slug}")
    if joined.status != _CREATED and joined.content.get("code") != _USED:  # the start before came this far
        raise _refused(f"the owner of {slug}", joined)
    return {"owner_email": email, "owner_password": password}


def _refused(what: str, answer: _Answer) -> NotSeeded:
    return NotSeeded(f"The demo could not make {what}: {answer.status} {answer.content.get('detail')}")
