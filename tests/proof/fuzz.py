"""What hostile clients, broken ones and unlucky people send: texts, numbers, moments, cursors, bodies, headers."""

import base64
import gzip
import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tests.proof.bad_input_wire import Asked

_BIGINT = 2**63

TEXTS = [
    "",
    " \t ",
    "\x00",
    "a\x00b",
    "\x1b[31m\x07\x7f",
    "\r\nX-Injected: 1\r\n\r\n",
    "ক্ষ্ম্য র‍্যাব কোর্ট স্ত্রী",
    "১২৩৪",  # Bengali digits
    "٣٤٥",
    "\u202eabc\u202c",  # right to left
    "\u200b\u200d\u2060\ufeff",  # of no width
    "e\u0301\u0301\u0301\u0301" * 50,
    "👨‍👩‍👧‍👦🇧🇩𝔘𐍈",
    "\U0010ffff\uffff\ufffe",
    "İıſK",  # noqa: RUF001 -- letters that change their length by their case
    "a" * 70_000,
    "'; drop table orders; --",
    "' or '1'='1",
    "\\'; select pg_sleep(60); --",
    "%s %n %x {0} {name!r} ${jndi:ldap://127.0.0.1/a} {{7*7}}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "../../../../etc/passwd",
    "=cmd|' /C calc'!A0",
    '"a","b"\n"c;d"\t\'e',
    "a" * 30 + "!",
    "a@" * 40,
    "NaN",
    "-0",
    "1e309",
    "9" * 5000,
    "0x1F",
    "null",
    "true",
    "[]",
    "ord_" + "z" * 26,
    "ord_7" + "z" * 25,
    "ORD_01H455VB4PEX5VSKNK084SN02Q",
    "var_00000000000000000000000000",
    "cart_01h455vb4pex5vsknk084sn02q",
    "00000000-0000-0000-0000-000000000000",
    "%00",
    "%ff%fe",
    "%25%32%66",
    "*",
    "+8801" + "7" * 60,
    "+" + "\u0660" * 10,  # Arabic digits
]
NUMBERS = [
    0,
    -1,
    1000,
    1001,
    2**31,
    2**32,
    10**12,
    10**12 + 1,
    _BIGINT - 1,
    _BIGINT,
    -_BIGINT - 1,
    2**64,
    10**400,
    0.1,
    -0.0,
    1.0,
    1e308,
    5e-324,
]
MOMENTS = [
    "0001-01-01T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-14:00",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "-0044-03-15T00:00:00Z",
    "1969-12-31T23:59:59Z",
    "2026-02-30T00:00:00Z",
    "2026-11-21T24:00:00Z",
    "2026-11-21T09:00:60Z",
    "2026-11-21T09:00:00+99:99",
    "2026-11-21T09:00:00",
    "2026-11-21",
    "infinity",
    "-infinity",
    "epoch",
    "now",
    "0",
    "99999999999999999999",
]
# Numbers as only a body's own text has them: Python would not write them.
_TOKENS = [
    "NaN",
    "Infinity",
    "-Infinity",
    "1e400",
    "-1e400",
    "1" * 5000,
    "01",
    "+1",
    ".5",
    "1_000",
    "0x10",
    "1.",
    "--1",
]
_DEEP = 100_000

_PLAIN = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
# Escaped, half a surrogate pair is JSON; nothing else can carry it.
ANY_TEXT: SearchStrategy[str] = st.one_of(st.sampled_from(TEXTS), st.sampled_from(MOMENTS), _PLAIN)
JSON_TEXT: SearchStrategy[str] = st.one_of(ANY_TEXT, st.sampled_from(["\ud800", "a\udfff", "\udc00\ud800"]), st.text())
ANY_NUMBER: SearchStrategy[int | float] = st.one_of(
    st.sampled_from(NUMBERS), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
)
ANY_VALUE: SearchStrategy[Any] = st.one_of(
    JSON_TEXT,
    ANY_NUMBER,
    st.none(),
    st.booleans(),
    st.sampled_from([[], {}, [[]], [None], {"": None}, {"$ref": "#"}, {"__proto__": {}}, [0] * 1000]),
)

_HEADERS = [
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Cart-Token",
    "Origin",
    "Host",
    "traceparent",
    "X-Correlation-Id",
    "Authorization",
    "X-Publishable-Key",
    "Content-Type",
    "Accept",
    "Cookie",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Viewer-Address",
    "X-Origin-Secret",
    "User-Agent",
    "Range",
    "Expect",
]
_HEADER_TEXTS = [
    "",
    '""',
    '"1", "2", W/"3"',
    '"9223372036854775808"',
    "*",
    "https://shop.example",
    "null",
    "shop.test:99999",
    "[::1]:80",
    ".shops.test",
    "a" * 260 + ".shops.test",
    "00-" + "0" * 32 + "-" + "0" * 16 + "-00",
    "00-" + "f" * 32 + "-" + "f" * 16 + "-01-more",
    "application/json; charset=utf-16",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
    "application/problem+json",
    "Bearer ",
    "Basic YTpi",
    "Bearer sk_" + "0" * 36,
    "1.2.3.4, 5.6.7.8",
]


@dataclass(frozen=True)
class Place:
    """A place in a request's JSON: the names and numbers on the way to it."""

    steps: tuple[str | int, ...]

    def put(self, body: Any, value: Any) -> Any:
        """Return the body with another value there."""
        if not self.steps:
            return value
        step, inner = self.steps[0], Place(self.steps[1:])
        if isinstance(step, str):
            return {**body, step: inner.put(body[step], value)}
        return [inner.put(one, value) if number == step else one for number, one in enumerate(body)]


def places(body: Any, steps: tuple[str | int, ...] = ()) -> list[Place]:
    """Return every place in a body, the body itself first."""
    found = [Place(steps)]
    if isinstance(body, dict):
        for name, value in body.items():
            found += places(value, (*steps, name))
    if isinstance(body, list):
        for number, value in enumerate(body):
            found += places(value, (*steps, number))
    return found


@st.composite
def bodies(draw: DrawFn, asked: Asked) -> Asked:  # noqa: PLR0911 -- one way to be wrong after the other
    """Draw a request whose body is wrong in one place, or as a whole."""
    body = json.loads(asked.body) if asked.body else {}
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2 | 3:
            place = draw(st.sampled_from(places(body)))
            return replace(asked, body=json.dumps(place.put(body, draw(ANY_VALUE))).encode())
        case 4:
            place = draw(st.sampled_from(places(body)))
            text = json.dumps(place.put(body, "@")).replace('"@"', draw(st.sampled_from(_TOKENS)), 1)
            return replace(asked, body=text.encode())
        case 5:
            return replace(asked, body=_with_a_name_twice(body, draw(ANY_VALUE)))
        case 6:
            names = draw(st.sampled_from([*_names(body), "store_id", "version", "id", "__class__", ""]))
            return replace(asked, body=json.dumps({**_as_object(body), names: draw(ANY_VALUE)}).encode())
        case 7:
            opening, closing = draw(st.sampled_from([("[", "]"), ('{"a":', "}")]))
            depth = draw(st.sampled_from([50, 500, 5000, _DEEP]))
            return replace(asked, body=(opening * depth + "0" + closing * depth).encode())
        case 8:
            return _in_another_coding(draw, asked)
        case _:
            return replace(asked, body=draw(st.one_of(st.binary(max_size=200), JSON_TEXT.map(_bytes))))


@st.composite
def headers(draw: DrawFn, asked: Asked) -> Asked:
    """Draw a request with one or two hostile headers."""
    given = dict(asked.headers)
    for name in draw(st.lists(st.sampled_from(_HEADERS), min_size=1, max_size=2, unique=True)):
        given = {own: text for own, text in given.items() if own.lower() != name.lower()}
        given[name] = draw(st.one_of(st.sampled_from(_HEADER_TEXTS), ANY_TEXT.map(_as_a_header)))
    return replace(asked, headers=given)


@st.composite
def queries(draw: DrawFn, asked: Asked, documented: list[str], query: dict[str, str]) -> Asked:
    """Draw a request with hostile parameters in its query string: known ones, unknown ones, doubled ones."""
    names = [
        *documented,
        "limit",
        "cursor",
        "sort",
        "include",
        "q",
        "created_at[gte]",
        "status[in]",
        "a[b",
        "publishable_key",
    ]
    given: list[tuple[str, str]] = list(query.items())
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        if name == "cursor":
            text = draw(st.one_of(cursors(query.get("cursor")), ANY_TEXT))
        elif name.partition("[")[0].endswith("at"):
            text = draw(st.one_of(st.sampled_from(MOMENTS), ANY_TEXT))
        else:
            text = draw(st.one_of(ANY_TEXT, ANY_NUMBER.map(str)))
        given = [pair for pair in given if pair[0] != name or draw(st.booleans())]
        given.append((name, text))
    raw = urlencode(given, errors="replace")
    return replace(
        asked, query=draw(st.sampled_from([raw, raw, raw, f"{raw}&%", f"&&{raw}=%ff%C0", raw.replace("=", "")]))
    )


@st.composite
def cursors(draw: DrawFn, real: str | None) -> str:
    """Draw a cursor; where there is a real one, with its own fingerprint and hostile positions."""
    told: list[Any] = ["fingerprint", None, None]
    if real is not None:
        told = json.loads(base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)))
    match draw(st.integers(0, 3)):
        case 0:
            told = [told[0], *(draw(ANY_VALUE) for _ in told[1:])]
        case 1:
            told = [told[0], *(draw(st.one_of(st.just(one), ANY_VALUE)) for one in told[1:])]
        case 2:
            told = draw(st.sampled_from([told[:1], told * 2, [], {}, 0, None, told[0], [told]]))
        case _:
            return base64.urlsafe_b64encode(b"[" * 5000).decode()
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


@st.composite
def paths(draw: DrawFn, asked: Asked, own: list[str]) -> Asked:
    """Draw a request with something hostile in the place of one of its path parameters."""
    named = draw(st.sampled_from(own))
    text = draw(ANY_TEXT).replace("/", "")[:5000] or "-"
    written = draw(
        st.sampled_from([quote(text, safe="", errors="replace"), named.upper(), named + "%00", f"%20{named}", "%ff"])
    )
    return replace(asked, path=asked.path.replace(quote(named, safe=""), written, 1))


def _with_a_name_twice(body: Any, value: Any) -> bytes:
    names = _names(body) or ["a"]
    inside = json.dumps(_as_object(body))[1:-1]
    return f"{{{json.dumps(names[0])}: {json.dumps(value)}{', ' if inside else ''}{inside}}}".encode()


def _in_another_coding(draw: DrawFn, asked: Asked) -> Asked:
    body = asked.body or b"{}"
    coded = {
        "gzip": gzip.compress(body, mtime=0),
        "utf-16": body.decode().encode("utf-16"),
        "utf-32": body.decode().encode("utf-32"),
        "a mark": b"\xef\xbb\xbf" + body,
        "half": body[: len(body) // 2],
        "more": body + b"}",
        "spaces": body + b" " * 100_000,
        "latin-1": body[:-1] + b"\xe9\xff",
        "form": b"a=1&b=2",
        "xml": b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
        "lines": body + b"\n" + body,
    }
    name = draw(st.sampled_from(sorted(coded)))
    more = {"Content-Encoding": "gzip"} if name == "gzip" else {}
    kind = draw(st.sampled_from(["application/json", "application/json", *_HEADER_TEXTS[13:19]]))
    return replace(asked, body=coded[name], headers={**asked.headers, **more, "Content-Type": kind})


def _names(body: Any) -> list[str]:
    return list(body) if isinstance(body, dict) else []


def _as_object(body: Any) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}


def _as_a_header(text: str) -> str:
    """Return a text as an HTTP parser lets it through: one byte a character, no line breaks, not too long."""
    carried = text.encode("utf-8", "replace").decode("latin-1")[:4000]
    return "".join(one for one in carried if one >= " " and one != "\x7f").strip()


def _bytes(text: str) -> bytes:
    return json.dumps(text).encode()
