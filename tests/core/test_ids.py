"""Ids: UUIDv7 inside, TypeIDs outside."""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.core import clock, ids

OrderId = Annotated[UUID, ids.TypeID("ord")]

# From the TypeID specification's own list of valid examples.
SPECIFIED = [
    ("prefix_00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
    ("prefix_00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
    ("prefix_0000000000000000000000000a", "00000000-0000-0000-0000-00000000000a"),
    ("prefix_0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
    ("prefix_00000000000000000000000010", "00000000-0000-0000-0000-000000000020"),
    ("prefix_7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("prefix_0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
    ("prefix_01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
]


class Line(BaseModel):
    order_id: OrderId
    gift_of: OrderId | None = None


@pytest.mark.parametrize(("text", "uuid"), SPECIFIED)
def test_ids_are_written_and_read_as_the_specification_has_them(text: str, uuid: str) -> None:
    written, read = ids.encode("prefix", UUID(uuid)), ids.decode("prefix", text)

    assert (written, read) == (text, UUID(uuid))


@given(st.uuids())
def test_what_is_written_is_read_back(identifier: UUID) -> None:
    text = ids.encode("ord", identifier)

    assert ids.decode("ord", text) == identifier
    assert len(text) == len("ord_") + 26


@given(st.text() | st.text(alphabet="0123456789abcdefghjkmnpqrstvwxyz", min_size=26, max_size=26).map("ord_{}".format))
def test_an_id_has_one_spelling(text: str) -> None:
    try:
        identifier = ids.decode("ord", text)
    except ValueError:
        return

    assert ids.encode("ord", identifier) == text


@pytest.mark.parametrize(
    "text",
    [
        "prod_01h455vb4pex5vsknk084sn02q",
        "01h455vb4pex5vsknk084sn02q",
        "_01h455vb4pex5vsknk084sn02q",
        "ord_01H455VB4PEX5VSKNK084SN02Q",
        "ord_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "ord_01h455vb4pex5vsknk084sn02",
        "ord_01h455vb4pex5vsknk084sn02qq",
        "ord_01h455vb4pex5vsknk084sn0lu",
        "ord_01h455vb4pex5vsknk084sn02q\n",
        "01890a5d-ac96-774b-bcce-b302099a8057",
        "",
    ],
)
def test_other_texts_are_no_ids(text: str) -> None:
    with pytest.raises(ValueError, match="An id of the form ord_"):
        ids.decode("ord", text)


def test_new_ids_are_version_7_and_increase() -> None:
    made = [ids.new_id() for _ in range(10_000)]

    assert {(one.version, one.variant) for one in made} == {(7, "specified in RFC 4122")}
    assert made == sorted(made)
    assert len(set(made)) == 10_000


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")  # the child only makes an id
def test_a_forked_process_makes_ids_of_its_own() -> None:
    ids.new_id()
    reading, writing = os.pipe()

    child = os.fork()
    if child == 0:
        os.write(writing, ids.new_id().bytes)
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 16)[8:] != ids.new_id().bytes[8:]
    os.close(reading)
    os.close(writing)


def test_an_id_of_now_lies_between_the_bounds_of_now() -> None:
    before = clock.now()

    made = ids.new_id()

    assert ids.lower_bound(before) <= made < ids.lower_bound(clock.now() + timedelta(milliseconds=2))


def test_the_lower_bound_is_the_smallest_id_of_its_millisecond() -> None:
    at = datetime(2026, 11, 21, 12, 0, 0, 123_999, tzinfo=UTC)

    bound = ids.lower_bound(at)

    assert bound.version == 7
    assert bound.int >> 80 == int(at.replace(microsecond=0).timestamp()) * 1000 + 123
    assert bound.hex[12:] == "70008000000000000000"


@pytest.mark.parametrize(
    "at", [datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), datetime(1969, 1, 1, tzinfo=UTC)]
)
def test_there_is_no_bound_without_a_zone_or_before_1970(at: datetime) -> None:
    with pytest.raises(ValueError, match=r"time zone|1970"):
        ids.lower_bound(at)


def test_pydantic_reads_the_text_and_writes_it_in_json_alone() -> None:
    text, uuid = SPECIFIED[-1][0].replace("prefix", "ord"), UUID(SPECIFIED[-1][1])

    line = Line.model_validate_json(f'{{"order_id": "{text}"}}')

    assert line == Line(order_id=uuid)
    assert line.model_dump() == {"order_id": uuid, "gift_of": None}
    assert line.model_dump_json() == f'{{"order_id":"{text}","gift_of":null}}'


@pytest.mark.parametrize(
    "wrong", ['"prod_01h455vb4pex5vsknk084sn02q"', '"01890a5d-ac96-774b-bcce-b302099a8057"', "7", "null"]
)
def test_pydantic_refuses_what_is_no_such_id(wrong: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Line.model_validate_json(f'{{"order_id": {wrong}}}')

    (error,) = refused.value.errors()
    assert (error["type"], error["loc"]) == ("type_id", ("order_id",))
    assert error["msg"] == "An id of the form ord_01h455vb4pex5vsknk084sn02q is expected."


def test_the_pattern_is_documented() -> None:
    schema = Line.model_json_schema()

    assert schema["properties"]["order_id"] == {
        "title": "Order Id",
        "type": "string",
        "pattern": "^ord_[0-7][0-9a-hjkmnp-tv-z]{25}$",
        "examples": ["ord_01h455vb4pex5vsknk084sn02q"],
    }


@pytest.mark.parametrize("prefix", ["", "Ord", "ord1", "_ord", "ord_", "o" * 64])
def test_a_prefix_is_lower_case_letters(prefix: str) -> None:
    with pytest.raises(ValueError, match="no TypeID prefix"):
        ids.TypeID(prefix)
