"""The operations of the OpenAPI document, each with a world in which it succeeds: bad input is bad in one thing.

Schemathesis makes ids of the right form that name nothing. Here they become ids of the operation's own store, so that
what is tried gets past 404, to the rules behind it.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from itertools import count, cycle
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData, FuzzingPhaseData
from schemathesis.schemas import APIOperation

from shared.core import ids, topology
from shared.core.topology import Endpoint
from tests.client import Answer
from tests.database import Sql
from tests.figures import Figures
from tests.proof.bad_input import LINE
from tests.proof.bad_input_wire import Asked, Judge, handled_by, sent, timed
from tests.tenancy.calls import Call
from tests.tenancy.routes import BY_ANYBODY, CASES, WITHOUT_STORE
from tests.tenancy.world import World, a_world, an_operator

# Routes that answer 200 whatever is wrong with an item of theirs, and say in the answer what is.
JUDGED_ONE_BY_ONE = {"catalog-declare-products"}

_DOCUMENT = Path(__file__).parents[2] / "functions" / "docs" / "openapi.json"
_TYPE_ID = re.compile(r"([a-z]+(?:_[a-z]+)*)_[0-7][0-9a-hjkmnp-tv-z]{25}")
_ETAG = re.compile(r'(?:W/)?"?\d{1,18}"?|\*')
_TOLD = 12  # offences that a failure shows
ENDPOINTS = {endpoint.name: endpoint for endpoint in topology.load().endpoints if endpoint.method != "OPTIONS"}


@cache
def document() -> dict[str, Any]:
    """Return the document that integrators read."""
    told: dict[str, Any] = json.loads(_DOCUMENT.read_bytes())
    return told


@cache
def schema() -> Any:
    """Return the document as schemathesis has it. Credentials are ours to send: it would make them up."""
    loaded = schemathesis.openapi.from_dict(document())
    loaded.config.generation.update(with_security_parameters=False)
    return loaded


@cache
def operations() -> dict[str, APIOperation[Any, Any, Any, Any]]:
    """Return the operations by the names of their routes."""
    found = (result.ok() for result in schema().get_all_operations())
    return {one.definition.raw["operationId"].replace("_", "-"): one for one in found}


@cache
def _read_only_world() -> World:
    return a_world()


def world_for(name: str) -> World:
    """Return a store for an operation: of its own where it may change something, else one that all readers share."""
    return _read_only_world() if ENDPOINTS[name].method == "GET" else a_world()


def name_of(case: schemathesis.Case[Any]) -> str:
    """Return the name of the route that a case is for."""
    name: str = case.operation.definition.raw["operationId"]
    return name.replace("_", "-")


def cases(name: str) -> list[Callable[[World], Call]]:
    """Return the ways in which a route is called with what its store has."""
    if name in BY_ANYBODY:
        return [lambda _: BY_ANYBODY[name]()]
    own = [case for route, case in CASES.values() if route == name]
    return own or [lambda _: WITHOUT_STORE[name]]


@dataclass
class Target:
    """One operation under bad input; every answer is judged, and what is not as it must be is kept."""

    name: str
    world: World
    sql: Sql
    figures: Figures
    only: int | None = None  # which of the calls there are; None: one after the other
    offences: dict[str, str] = field(default_factory=dict)  # each kind once, with the first request that met it
    statuses: set[int] = field(default_factory=set)
    _call: Call | None = None
    _turns: Iterator[int] = field(default_factory=count)

    @property
    def endpoint(self) -> Endpoint:
        """The route behind the operation."""
        return ENDPOINTS[self.name]

    @property
    def operation(self) -> APIOperation[Any, Any, Any, Any]:
        """The operation in the document."""
        return operations()[self.name]

    @property
    def has_succeeded(self) -> bool:
        """Whether a generated case got past the door."""
        return any(status < 400 for status in self.statuses)

    @cached_property
    def credentials(self) -> Mapping[str, str]:
        """The headers of who may ask."""
        store = self.world.store
        clients = {"merchant": store.merchant, "storefront": store.shopper}
        chosen = clients.get(self.endpoint.audience) or an_operator(self.sql, "admin.superuser")
        return chosen.headers

    def _credentials_for(self, call: Call) -> Mapping[str, str]:
        """Return the headers of who may ask this: of one person, where the call is theirs alone."""
        return call.by.headers if call.by is not None else self.credentials

    @cached_property
    def _calls(self) -> Iterator[Any]:
        return cycle(cases(self.name) if self.only is None else [cases(self.name)[self.only]])

    def call(self) -> Call:
        """Return a call that would succeed; the same one until it was used up."""
        if self._call is None:
            self.sql("delete from throttles")  # of invitations, for one, more are made here than anybody may in an hour
            self._call = next(self._calls)(self.world)
        return self._call

    def asked(self, call: Call) -> Asked:
        """Write a call as a request."""
        path = self.endpoint.path
        for name, value in call.path.items():
            path = re.sub(rf"\{{{name}(?::path)?\}}", quote(value, safe=""), path)
        headers = dict(self._credentials_for(call)) | dict(call.headers)
        if self.endpoint.method != "GET":
            headers["Idempotency-Key"] = str(ids.new_id())
        body = b""
        if call.json is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(call.json).encode()
        return Asked(self.endpoint.method, path, urlencode(call.query), headers, body)

    def try_case(self, case: schemathesis.Case[Any], *, kept: Collection[str] = ()) -> tuple[Asked, Answer | None]:
        """Aim a case at what is there, send it, and judge the answer. Parameters in `kept` have their aim already."""
        breaks = case.meta is not None and case.meta.generation.mode.is_negative
        if case.body is None and not self.operation.definition.raw.get("requestBody", {}).get("required"):
            breaks = False  # null is the absence of a body that may be absent
        if self.name in JUDGED_ONE_BY_ONE:
            breaks = False
        if _has_space_around(case.body):
            breaks = False  # many fields are trimmed first, and what is left of the text may fit
        self._aim(case, kept)
        asked = sent(case, self._credentials_for(self.call()))
        return asked, self._judge(case, asked, generated=True, breaks=breaks)

    def try_request(self, asked: Asked) -> Answer | None:
        """Send a request that was made by hand, and judge the answer."""
        if handled_by(asked) != self.operation.definition.raw["operationId"]:
            return None  # a hostile path, and not this operation's
        named = {name: str(text) for name, text in self.call().path.items()}
        return self._judge(self.operation.Case(path_parameters=named), asked, generated=False, breaks=False)

    def _judge(self, case: schemathesis.Case[Any], asked: Asked, *, generated: bool, breaks: bool) -> Answer | None:
        answer, seconds = timed(asked)
        if answer is None:
            return None
        self.figures.add(LINE, cases=1, server_errors=int(answer.status_code >= 500))
        if generated:
            self.statuses.add(answer.status_code)
        if self.endpoint.method != "GET" and (answer.status_code < 300 or answer.status_code == 409):
            self._call = None  # used up
        judge = Judge(document()["x-problems"])
        for offence in judge.offences(case, asked, answer, seconds=seconds, breaks_the_schema=breaks):
            told = f"{offence}\n  {asked}\n  {answer.status_code} {answer.body[:400].decode('utf-8', 'replace')}"
            self.offences.setdefault(f"{answer.status_code} {offence[:60]}", told)
        return answer

    def _aim(self, case: schemathesis.Case[Any], kept: Collection[str]) -> None:
        """Put what names something of the store where the case has something of the same form."""
        call = self.call()
        known, spoiled = _ids_of(call), _spoiled(case)
        for location, there, own in (
            (ParameterLocation.PATH, case.path_parameters, call.path),
            (ParameterLocation.QUERY, case.query, call.query),
            (ParameterLocation.HEADER, case.headers, call.headers),
        ):
            for name in set(there) - set(kept) - spoiled.get(location, set()):
                there[name] = str(own[name]) if name in own else _with(there[name], known)
        if ParameterLocation.QUERY not in spoiled and "cursor" not in call.query:
            case.query.pop("cursor", None)  # any text fits the schema, and hardly any is a cursor
        if ParameterLocation.HEADER not in spoiled:
            _aim_headers(case, {name: str(text) for name, text in call.headers.items() if name not in kept})
        case.body = _with(case.body, known)
        fits = case.meta is None or not case.meta.generation.mode.is_negative
        if fits and not kept and isinstance(call.json, dict) and isinstance(case.body, dict):
            # In plain values: schemathesis takes no others.
            case.body = self._grafted(case.body, json.loads(json.dumps(call.json)))

    def _grafted(self, made: Mapping[str, Any], real: Mapping[str, Any]) -> dict[str, Any]:
        """In two cases of three, leave one field of a body that fits as it was made; the rest comes from the call."""
        turn = next(self._turns)
        if turn % 3 == 0 or not made:
            return dict(made)
        if turn % 6 == 4 or (len(real) == 1 and turn % 3 == 1):
            return dict(real)  # where each field is a secret, none that was made is one
        name = sorted(made)[turn % len(made)]
        return {**real, name: made[name]}

    def count_as_reached(self) -> None:
        """Tell whether a generated case succeeded; that none got past the door is an offence."""
        self.figures.add(LINE, operations=1, operations_that_succeeded=int(self.has_succeeded))
        if not self.has_succeeded:
            self.offences["door"] = f"no case got past {sorted(self.statuses)}"

    def told(self) -> str:
        """Return the offences as people read them."""
        return "\n\n".join(list(self.offences.values())[:_TOLD])


def _has_space_around(value: Any) -> bool:
    """Tell whether some text in a body begins or ends with white space."""
    match value:
        case str():
            return value != value.strip()
        case list():
            return any(map(_has_space_around, value))
        case dict():
            return any(map(_has_space_around, value.values()))
        case _:
            return False


def _aim_headers(case: schemathesis.Case[Any], own: Mapping[str, str]) -> None:
    """Give a case the headers of a call, a new Idempotency-Key, and no If-Match that is no ETag: any text fits."""
    case.headers.update(own)
    if _ETAG.fullmatch(str(case.headers.get("if-match", "*"))) is None:
        del case.headers["if-match"]
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = str(ids.new_id())


def _spoiled(case: schemathesis.Case[Any]) -> dict[ParameterLocation, set[str]]:
    """Return which parameters a case breaks on purpose; all of a place, where it does not say which."""
    meta = case.meta
    if meta is None:
        return {}
    told = meta.phase.data if isinstance(meta.phase.data, CoveragePhaseData | FuzzingPhaseData) else None
    broken = [place for place, info in meta.components.items() if info.mode.is_negative]
    spoiled: dict[ParameterLocation, set[str]] = {}
    for place in broken:
        named = {one.parameter for one in told.mutations if one.parameter_location is place} if told else set()
        if told is not None and told.parameter is not None and told.parameter_location is place:
            named.add(told.parameter)
        own = {ParameterLocation.PATH: case.path_parameters, ParameterLocation.QUERY: case.query}
        everything = set(own.get(place, case.headers))
        spoiled[place] = {name for name in named if name is not None} or everything
    return spoiled


def _ids_of(call: Call) -> dict[str, str]:
    """Return an id of each kind that a call names, by its prefix."""
    text = json.dumps([call.path, call.query, call.json])
    return {found[1]: found[0] for found in _TYPE_ID.finditer(text)}


def _with(value: Any, known: Mapping[str, str]) -> Any:
    """Return a value with the ids in it exchanged for those of the store."""
    match value:
        case str() if found := _TYPE_ID.fullmatch(value):
            return known.get(found[1], value)
        case list():
            return [_with(inner, known) for inner in value]
        case dict():
            return {name: _with(inner, known) for name, inner in value.items()}
        case _:
            return value
