"""A small Api of the tests' own, to try the way of a request by itself: what a domain would write, and no domain."""

from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import text

from shared.core import audit, ids, tenancy
from shared.core.errors import Conflict, Problem
from shared.core.functions import Api
from shared.core.request import StoreSession
from shared.core.typeids import OrderId

api = Api("shop", prefix="/api/v1/shop", audience="merchant")


class SoldOut(Problem):
    """There is nothing left."""

    status = 409
    code = "test_sold_out"


class Noted(Problem):
    """It is refused, and that it was is written down."""

    status = 403
    code = "test_noted"
    is_recorded = True


class Unnamed(Problem):
    """A problem that no route declares."""

    status = 409
    code = "test_unnamed"


class Note(BaseModel):
    """What comes in."""

    word: Annotated[str, Field(max_length=20)]
    amount: Annotated[int, Field(ge=0, le=9)] = 0


class NoteOut(BaseModel):
    """What goes out."""

    word: str
    version: int = 7


_COUNT = text(
    "insert into store_sequences (store_id, name, last) values (:store_id, :name, 1) "
    "on conflict (store_id, name) do update set last = store_sequences.last + 1 returning last"
)


def _count(session: StoreSession, name: str) -> int:
    store_id = tenancy.require_store(session)
    counted: int = session.execute(_COUNT, {"store_id": store_id, "name": name}).scalar_one()
    audit.record(session, action="note.counted", entity="note", entity_id=ids.new_id(), after={"count": counted})
    return counted


@api.post("/notes", status_code=201, permission="order.write", idempotent=True, raises=(SoldOut,))
def write_note(note: Note, session: StoreSession) -> NoteOut:
    """Count a word; refuse the word "sold-out" after having counted it."""
    _count(session, note.word)
    if note.word == "sold-out":
        raise SoldOut("Nothing is left.")
    return NoteOut(word=note.word)


@api.post("/noted", permission="order.write", raises=(Noted,))
def refuse_and_note(note: Note, session: StoreSession) -> NoteOut:
    """Refuse, having written down that it did."""
    _count(session, note.word)
    raise Noted("This was noted.")


@api.post("/noted-undeclared", permission="order.write")
def refuse_and_note_undeclared(note: Note, session: StoreSession) -> NoteOut:
    """Do the same without saying so."""
    _count(session, note.word)
    raise Noted("This was noted.")


@api.post("/unaudited", permission="order.write")
def write_unaudited(session: StoreSession) -> NoteOut:
    """Change a row, and tell nobody."""
    session.execute(_COUNT, {"store_id": tenancy.require_store(session), "name": "unaudited"})
    return NoteOut(word="unaudited")


@api.post("/broken", permission="order.write")
def break_down(session: StoreSession) -> NoteOut:
    """Change a row, then fail as only a bug does."""
    _count(session, "broken")
    message = "secret inside"
    raise ZeroDivisionError(message)


@api.post("/undeclared", permission="order.write")
def raise_undeclared() -> NoteOut:
    """Raise a problem that `raises=` does not name."""
    raise Unnamed("Nobody said so.")


@api.get("/notes/{order_id}", permission="order.read", raises=(Conflict,))
def read_note(order_id: OrderId) -> NoteOut:
    """Read a note, which has a version."""
    return NoteOut(word=str(UUID(int=order_id.int)))


handler = api.lambda_handler()
