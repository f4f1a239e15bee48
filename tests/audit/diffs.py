"""What is expected of the audit entries that a request leaves, as rules on data: each returns sentences on offences."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# Fields of a request whose values never stand in an entry in clear; by their own name, wherever they are in the body.
PERSONAL = frozenset(
    {
        "address",
        "area",
        "city",
        "code",
        "contact",
        "email",
        "line1",
        "line2",
        "owner_email",
        "password",
        "phone",
        "postal_code",
        "recovery_code",
        "secret",
        "shipping_address",
        "support_email",
        "support_phone",
        "token",
    }
)
_SHORTEST = 4  # characters of a text that could be recognized
_ACTION = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)+")
_CREDENTIAL = re.compile(r"\b(?:sk|pk|op)_[0-9A-Za-z]{20,}\b")
_GENERIC = ("updated", "changed", "edited", "modified", "saved")  # says nothing without what it was before


@dataclass(frozen=True)
class Request:
    """What was asked, and answered."""

    route: str
    method: str
    body: Any
    answer: str = ""


@dataclass(frozen=True)
class Names:
    """How a route's entries call what its request names otherwise.

    `called`: by the request's name; what ends in a dot is the beginning of a name. `silent`: what changes nothing, for
    the case sends what was so before, or it only says which thing or under which condition. `shown`: what has the name
    of something personal, and is none.
    """

    called: Mapping[str, str] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()
    shown: frozenset[str] = frozenset()


def offences(request: Request, entries: Sequence[Mapping[str, Any]], names: Names) -> list[str]:
    """Return what is wrong with the entries of a request that succeeded."""
    if not entries:
        return [f"{request.route}: no entry at all"]
    found = [one for entry in entries for one in (*_vague(request, entry), *_telling(request, entry, names))]
    return [*found, *_incomplete(request, entries, names)]


def _vague(request: Request, entry: Mapping[str, Any]) -> Iterator[str]:
    """Say where an entry names no action, or a change without saying what changed."""
    action, before, after = entry["action"], entry["before"], entry["after"]
    if not _ACTION.fullmatch(action):
        yield f"{request.route}: the action {action!r} is no entity and verb"
    if before == after or not (before or after):
        yield f"{request.route}: {action} says nothing of what changed"
    elif action.rpartition(".")[2] in _GENERIC and not (before and after and before.keys() & after.keys()):
        yield f"{request.route}: {action} does not say from what to what"


def _telling(request: Request, entry: Mapping[str, Any], names: Names) -> Iterator[str]:
    """Say where an entry has personal data or a secret of the request, or of its answer, in clear."""
    told = json.dumps([entry["before"], entry["after"]], ensure_ascii=False)
    for name, text in _leaves(request.body):
        if name in PERSONAL - names.shown and len(text) >= _SHORTEST and text in told:
            yield f"{request.route}: {entry['action']} has the {name} of the request in clear"
    if any(credential in told for credential in _CREDENTIAL.findall(request.answer)):
        yield f"{request.route}: {entry['action']} has a credential in clear"


def _incomplete(request: Request, entries: Sequence[Mapping[str, Any]], names: Names) -> Iterator[str]:
    """Say which fields of an edit's body no entry has."""
    if request.method not in ("PATCH", "PUT") or not isinstance(request.body, Mapping):
        return
    recorded = {name for entry in entries for side in ("before", "after") for name in entry[side] or ()}
    for name in sorted(request.body.keys() - names.silent):
        other = names.called.get(name, name)
        if other not in recorded and not any(one.startswith(other) for one in recorded if other.endswith(".")):
            yield f"{request.route}: no entry has {name}, which the request changed; they have {sorted(recorded)}"


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    match value:
        case Mapping():
            for inner_name, inner in value.items():
                # What stands within a personal thing is personal.
                yield from _leaves(inner, name if name in PERSONAL else inner_name)
        case list():
            for inner in value:
                yield from _leaves(inner, name)
        case str():
            yield name, value
        case _:
            pass
