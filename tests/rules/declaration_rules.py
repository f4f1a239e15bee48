"""The rules about what functions declare of themselves, and about names that must not be given twice."""

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from types import ModuleType
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from infra import uses
from infra.stages import LONGEST_FUNCTION_NAME, Stage
from shared.core import topology as topologies
from shared.core.consumers import Consumer
from shared.core.declarations import EndpointDeclaration
from shared.core.errors import Problem
from shared.core.functions import Api
from shared.core.outbox import DomainEvent
from shared.core.permissions import PERMISSIONS
from shared.core.schedules import ScheduledFunction
from shared.core.topology import Topology
from tests.rules.sources import Source, dotted

FEWEST_WORDS_OF_A_REASON = 3
MOST_ROUTES_OF_AN_API = 240  # of the 300 integrations that API Gateway allows and never raises
MOST_ENDPOINTS_OF_A_DOMAIN = 60  # a domain is a stack, of 500 resources at most; an endpoint makes about eight
GATEWAY_GIVES_UP = 30  # seconds
_EVENT_TYPE = re.compile(r"[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*")
_AUDIENCE_PREFIX = {"storefront": "/api/v1/storefront/", "platform": "/api/v1/platform/", "merchant": "/api/v1/"}


def open_doors(endpoints: Iterable[EndpointDeclaration]) -> list[str]:
    """Return the endpoints that do not say who may call them."""
    return [
        f"{one.method} {one.path}: says none of permission= (one of shared.core.permissions), signed_in= and public= "
        "with the reason in words, or more than one."
        for one in endpoints
        if not _says_who(one)
    ]


def _says_who(one: EndpointDeclaration) -> bool:
    said = [each for each in (one.permission, one.signed_in, one.public) if each is not None]
    if len(said) != 1:
        return False
    return one.permission in PERMISSIONS or len(said[0].split()) >= FEWEST_WORDS_OF_A_REASON


def undocumented(endpoints: Iterable[EndpointDeclaration]) -> list[str]:
    """Return the endpoints about which the API's documentation would have nothing to say."""
    return [
        f"{one.method} {one.path}: {one.call.__name__} has no docstring. It is public documentation: write for the "
        "integrator what the signature cannot say."
        for one in endpoints
        if not (one.call.__doc__ or "").strip()
    ]


def credulous(endpoints: Iterable[EndpointDeclaration]) -> list[str]:
    """Return the endpoints whose body, or a part of it, passes over a field that it does not know."""
    return [
        f"{one.method} {one.path}: takes {schema.__name__}, which passes over fields that it does not have; what comes "
        "in is made of shared.core.schemas.Input."
        for one in endpoints
        for name, hint in get_type_hints(one.call).items()
        if name != "return"
        for schema in sorted(_schemas_in(hint, set()), key=lambda schema: schema.__name__)
        if schema.model_config.get("extra") != "forbid"
    ]


def _schemas_in(hint: Any, known: set[type[BaseModel]]) -> set[type[BaseModel]]:
    if isinstance(hint, type) and issubclass(hint, BaseModel) and hint not in known:
        known.add(hint)
        for field in hint.model_fields.values():
            _schemas_in(field.annotation, known)
    for part in get_args(getattr(hint, "__value__", hint)):
        _schemas_in(part, known)
    return known


def misplaced(endpoints: Iterable[EndpointDeclaration]) -> list[str]:
    """Return the endpoints whose path belongs to another audience, or that outlive the gateway's patience."""
    offences = []
    for one in endpoints:
        theirs = [prefix for name, prefix in _AUDIENCE_PREFIX.items() if name not in (one.audience, "merchant")]
        path = f"{one.path}/"
        if not path.startswith(_AUDIENCE_PREFIX[one.audience]) or path.startswith(tuple(theirs)):
            offences.append(
                f"{one.method} {one.path}: {one.audience} is served under {_AUDIENCE_PREFIX[one.audience]}."
            )
        if one.timeout >= GATEWAY_GIVES_UP:
            offences.append(
                f"{one.name}: {one.timeout} s, and the gateway gives up after {GATEWAY_GIVES_UP}. Queue it."
            )
    return offences


def crowded(modules: Iterable[ModuleType]) -> list[str]:
    """Return the modules under functions/ that declare nothing, or more than one thing."""
    offences = []
    for module in modules:
        declared = [
            name
            for name, value in vars(module).items()
            if isinstance(value, Api | Consumer | ScheduledFunction)
            and getattr(value, "__module__", module.__name__) in (module.__name__, Api.__module__)
        ]
        if len(declared) != 1 or not callable(getattr(module, "handler", None)):
            offences.append(
                f"{module.__name__}: declares {', '.join(declared) or 'nothing'}. A module under functions/ declares "
                "one Api, consumer or schedule, and ends with its `handler`; everything else lives in shared/."
            )
    return offences


def unnameable(topology: Topology, stages: Iterable[Stage]) -> list[str]:
    """Return the functions whose name is taken, or too long for Lambda in one of the stages."""
    names = [one.name for one in _functions(topology)]
    offences = [f"{name}: two functions have this name; rename one." for name, times in _counted(names) if times > 1]
    for stage in stages:
        full = [stage.named(name) for name in names]
        offences += [
            f"{name}: {len(name)} characters, and Lambda takes {LONGEST_FUNCTION_NAME}. Shorten the function's name."
            for name in full
            if len(name) > LONGEST_FUNCTION_NAME
        ]
    return offences


def beyond_the_quotas(topology: Topology) -> list[str]:
    """Return the audiences and domains that come near a limit of AWS that no ticket moves."""
    audiences = _counted(one.audience for one in topology.endpoints)
    domains = _counted(one.domain for one in topology.endpoints)
    return [
        *(
            f"{audience}: {count} routes, and {MOST_ROUTES_OF_AN_API} are the most. Open a second HTTP API."
            for audience, count in audiences
            if count > MOST_ROUTES_OF_AN_API
        ),
        *(
            f"{domain}: {count} endpoints, and a stack holds {MOST_ENDPOINTS_OF_A_DOMAIN}. Part the domain."
            for domain, count in domains
            if count > MOST_ENDPOINTS_OF_A_DOMAIN
        ),
    ]


def unknown_uses(topology: Topology) -> list[str]:
    """Return the functions that ask for a grant that no policy gives."""
    return [
        f"{one.name}: uses {word!r}, which infra/uses.py does not know. Say there what it means."
        for one in _functions(topology)
        for word in one.uses
        if word not in uses.USES
    ]


def doubled_codes(problems: Iterable[type[Problem]]) -> list[str]:
    """Return the error codes that two problems share: a client could not tell them apart."""
    owners = defaultdict(list)
    for problem in problems:
        if "code" in problem.__dict__:
            owners[problem.code].append(f"{problem.__module__}.{problem.__name__}")
    return [
        f"{code}: the code of {' and '.join(sorted(names))}. Give each a code of its own, or use the one."
        for code, names in sorted(owners.items())
        if len(names) > 1
    ]


def doubled_event_types(events: Iterable[type[DomainEvent]]) -> list[str]:
    """Return the types that two domain events share, and those that do not read `thing.happened`."""
    events = list(events)
    return [
        *(f"{kind}: two events have this type." for kind, times in _counted(one.type for one in events) if times > 1),
        *(
            f"{one.__name__}: its type {one.type!r} does not read as thing.happened, as in order.placed."
            for one in events
            if not _EVENT_TYPE.fullmatch(one.type)
        ),
    ]


def doubled_prefixes(sources: Iterable[Source]) -> list[str]:
    """Return the TypeID prefixes that two declarations share: `TypeID("ord")` stands once, beside its alias."""
    places: dict[str, list[str]] = defaultdict(list)
    for source in sources:
        for node in ast.walk(source.tree) if source.area == "shared" else ():
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "TypeID":
                for prefix in node.args[:1]:
                    if isinstance(prefix, ast.Constant) and isinstance(prefix.value, str):
                        places[prefix.value].append(f"{source.path}:{node.lineno}")
    return [
        f"{prefix}: declared at {' and '.join(found)}. An id names one kind of thing; import its alias."
        for prefix, found in sorted(places.items())
        if len(found) > 1
    ]


def subclasses[T](kind: type[T]) -> Iterator[type[T]]:
    """Yield every class of the house that derives from `kind`, at any distance."""
    for child in kind.__subclasses__():
        if child.__module__.split(".")[0] in ("shared", "functions"):
            yield child
        yield from subclasses(child)


def _functions(topology: Topology) -> list[topologies.Endpoint | topologies.Consumer | topologies.Schedule]:
    return [*topology.endpoints, *topology.consumers, *topology.schedules]


def _counted(names: Iterable[str]) -> list[tuple[str, int]]:
    return sorted(Counter(names).items())
