"""The pages under /dev: what was sent, what ran, what is stuck, what happened; for the developer's browser alone.

A web page on the internet can make a browser call 127.0.0.1. So a request must name a local host (a name that a
stranger points at 127.0.0.1 is refused), a change must come from these pages, and what is shown is never run.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from infra.local import gateway
from infra.local.messages import Outgoing
from infra.local.queues import NoSuchLetter, Queues
from infra.local.runs import Runs
from infra.local.scheduler import Scheduler
from infra.local.state import DemoStore
from shared.core import clock

EVENTS_SHOWN = 100
_LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
# Nothing is loaded from anywhere, no script runs, nobody frames the page; a mail's own styles may show.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Event:
    """A domain event, as the page shows it."""

    at: datetime
    store: str
    type: str
    entity: str
    version: int
    payload: dict[str, Any]
    correlation_id: str


@dataclass(frozen=True)
class System:
    """What the pages look into."""

    outgoing: Outgoing
    runs: Runs
    queues: Queues
    scheduler: Scheduler
    stores: list[DemoStore]
    events: Callable[[], list[Event]]


class Pages:
    """The ASGI application under /dev."""

    def __init__(self, system: System) -> None:
        """Show `system`."""
        self._system = system
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["clock"] = _clock
        self._templates.filters["pretty"] = _pretty
        self._app = Starlette(
            routes=[
                Route("/dev", self._overview),
                Route("/dev/messages", self._messages),
                Route("/dev/messages/{name}", self._message),
                Route("/dev/jobs", self._jobs),
                Route("/dev/schedules/{name}/run", self._run, methods=["POST"]),
                Route("/dev/queues", self._queues),
                Route("/dev/queues/{name}", self._queue),
                Route("/dev/queues/{name}/{letter}/redrive", self._redrive, methods=["POST"]),
                Route("/dev/queues/{name}/{letter}/delete", self._delete, methods=["POST"]),
                Route("/dev/events", self._events),
            ],
            exception_handlers={404: self._not_found},
        )

    async def __call__(self, scope: gateway.Message, receive: gateway.Receive, send: gateway.Send) -> None:
        """Refuse strangers; serve the others."""
        refusal = _refusal(Request(scope)) if scope["type"] == "http" else None
        await (refusal or self._app)(scope, receive, send)

    def _overview(self, _: Request) -> Response:
        return self._page(
            "overview.html",
            stores=self._system.stores,
            messages=self._system.outgoing.latest()[:5],
            failed=[run for run in self._system.runs.latest() if run.outcome != "done"][:5],
            depths=self._system.queues.depths(),
        )

    def _messages(self, _: Request) -> Response:
        return self._page("messages.html", messages=self._system.outgoing.latest(), slugs=self._slugs())

    def _message(self, request: Request) -> Response:
        sent = self._system.outgoing.find(request.path_params["name"])
        if sent is None:
            return self._gone("This message is not there any more.")
        return self._page("message.html", message=sent, slugs=self._slugs())

    def _jobs(self, _: Request) -> Response:
        return self._page("jobs.html", runs=self._system.runs.latest(), next_times=self._system.scheduler.next_times())

    def _run(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._system.scheduler.next_times():
            return self._gone(f"There is no schedule {name}.")
        self._system.scheduler.ask(name)
        return RedirectResponse("/dev/jobs", status_code=303)

    def _queues(self, _: Request) -> Response:
        return self._page("queues.html", depths=self._system.queues.depths())

    def _queue(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._system.queues.names():
            return self._gone(f"There is no queue {name}.")
        return self._page("queue.html", name=name, letters=self._system.queues.letters(name))

    def _redrive(self, request: Request) -> Response:
        return self._change(request, self._system.queues.redrive)

    def _delete(self, request: Request) -> Response:
        return self._change(request, self._system.queues.delete)

    def _change(self, request: Request, change: Callable[[str, str], None]) -> Response:
        name = request.path_params["name"]
        if name not in self._system.queues.names():
            return self._gone(f"There is no queue {name}.")
        try:
            change(name, request.path_params["letter"])
        except NoSuchLetter as gone:
            return self._gone(str(gone))
        return RedirectResponse(f"/dev/queues/{name}", status_code=303)

    def _events(self, _: Request) -> Response:
        return self._page("events.html", events=self._system.events())

    def _not_found(self, _: Request, __: Exception) -> Response:
        return self._gone("There is no such page.")

    def _gone(self, why: str) -> Response:
        return self._page("gone.html", status=404, why=why)

    def _slugs(self) -> dict[str, str]:
        return {store.id: store.slug for store in self._system.stores}

    def _page(self, template: str, *, status: int = 200, **facts: object) -> Response:
        html = self._templates.get_template(template).render(now=clock.now(), **facts)
        headers = {
            "content-security-policy": _POLICY,
            "cache-control": "no-store",
            "referrer-policy": "same-origin",
            "x-content-type-options": "nosniff",
        }
        return HTMLResponse(html, status_code=status, headers=headers)


def with_pages(pages: gateway.ASGI, api: gateway.ASGI) -> gateway.ASGI:
    """Join the two applications: `/` and `/dev` are the pages', all else is the API's."""

    async def serve(scope: gateway.Message, receive: gateway.Receive, send: gateway.Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path == "/":
            await RedirectResponse("/dev")(scope, receive, send)
        elif path == "/dev" or path.startswith("/dev/"):
            await pages(scope, receive, send)
        else:
            await api(scope, receive, send)

    return serve


def recent_events(stores: Iterable[DemoStore]) -> list[Event]:
    """Read the stores' latest domain events, each store's bound to it, as any function of the system reads."""
    from sqlalchemy import select  # noqa: PLC0415 -- the pages load without the database's libraries

    from shared.core import database, ids, outbox  # noqa: PLC0415 -- the pages start before the database is known

    found: list[Event] = []
    latest = select(outbox.RecordedEvent).order_by(outbox.RecordedEvent.id.desc()).limit(EVENTS_SHOWN)
    for store in stores:
        with database.transaction(ids.decode("store", store.id)) as session:
            found += [
                Event(
                    at=row.occurred_at,
                    store=store.slug,
                    type=row.type,
                    entity=f"{row.entity} {row.entity_id}",
                    version=row.entity_version,
                    payload=row.payload,
                    correlation_id=row.correlation_id,
                )
                for row in session.scalars(latest)
            ]
    return sorted(found, key=lambda event: event.at, reverse=True)[:EVENTS_SHOWN]


def _refusal(request: Request) -> Response | None:
    """Return the answer to a request that a web page elsewhere may have caused; None for one from here."""
    host = request.headers.get("host", "")
    name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    if name not in _LOCAL_HOSTS and not name.endswith(".localhost"):
        return PlainTextResponse("The pages under /dev answer only under localhost or 127.0.0.1.\n", status_code=421)
    if request.method in ("GET", "HEAD"):
        return None
    # Every browser of these years says where a form comes from, by one of the two headers.
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = f"{request.url.scheme}://{host}"
    if (origin is None and site is None) or origin not in (None, own) or site not in (None, "same-origin"):
        return PlainTextResponse("Changes are taken only from the pages under /dev themselves.\n", status_code=403)
    return None


def _clock(moment: datetime | str | None) -> str:
    if moment is None:
        return "never"
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return str(moment)
    return moment.astimezone().strftime("%d %b %H:%M:%S")


def _pretty(text: str | dict[str, Any]) -> str:
    try:
        return json.dumps(json.loads(text) if isinstance(text, str) else text, indent=2, ensure_ascii=False)
    except ValueError:
        return str(text)
