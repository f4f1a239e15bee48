"""Which functions move money or stock: read from what the code of each can write, so that no list can forget one.

A function's code is followed from its declaration through every name that it reaches, lazily imported ones included.
Whoever reaches a statement that writes one of the tables below, or makes one of their rows, is a mover.
"""

import ast
import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import FunctionType, ModuleType
from typing import Any

from sqlalchemy import TextClause

from shared.core import tenancy, topology
from shared.core.consumers import Consumer

# Whose tables hold money or stock, or say to whom it is promised. A domain is in one of the two: see `unsorted`.
MOVING = frozenset({"checkout", "inventory", "orders", "payments"})
RESTING = frozenset(
    {"audit", "carts", "catalog", "core", "customers", "identity", "imports", "jobs", "media", "messaging"}
    | {"organizations", "search", "stores"}
)

_OURS = ("shared.", "functions.")
_WRITING = re.compile(r"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?(?:public\.)?\"?(\w+)")
_CORE_WRITES = frozenset({"insert", "update", "delete"})  # SQLAlchemy's own, which take a model


@cache
def models() -> Mapping[str, tuple[str, type]]:
    """Return the domain and the class of every table."""
    list(topology.modules())  # every function's imports: so every domain's models are known
    return {
        mapper.class_.__tablename__: (mapper.class_.__module__.split(".")[1], mapper.class_)
        for mapper in tenancy.Base.registry.mappers
    }


def tables() -> frozenset[str]:
    """Return the tables that hold money or stock."""
    return frozenset(name for name, (domain, _) in models().items() if domain in MOVING)


def unsorted() -> set[str]:
    """Return the domains with tables of which nobody has said yet whether they move money or stock."""
    return {domain for domain, _ in models().values()} - MOVING - RESTING


def written_by(statement: str) -> set[str]:
    """Return the tables of money and stock that a statement writes."""
    return set(_WRITING.findall(statement.lower())) & tables()


@cache
def movers() -> Mapping[str, frozenset[str]]:
    """Return every function of the topology whose code can move money or stock, and the tables that it can write."""
    found = {}
    for module in topology.modules():
        api = getattr(module, "api", None)
        for endpoint in getattr(api, "endpoints", ()):
            if endpoint.writes:
                found[endpoint.name] = can_write(endpoint.call)
        declared = getattr(getattr(module, "handler", None), "__self__", None)
        if isinstance(declared, Consumer):
            _, domain, verb = module.__name__.split(".")
            steps = [value for name, value in vars(module).items() if name in ("claim", "work", "send", "settle")]
            found[f"{domain}-{verb.replace('_', '-')}"] = can_write(declared.call, module, *steps)
    return {name: written for name, written in found.items() if written}


def can_write(*beginnings: Any) -> frozenset[str]:
    """Return the tables of money and stock that what is reached from some functions can write."""
    walk = _Walk()
    for one in beginnings:
        if isinstance(one, FunctionType):
            walk.follow(one)
        else:
            walk.reach(one)
    return frozenset(walk.written)


@dataclass
class _Walk:
    """The names that were followed so far, and what the code behind them writes."""

    seen: dict[int, Any] = field(default_factory=dict)  # by address, which nothing else gets meanwhile
    written: set[str] = field(default_factory=set)

    def reach(self, thing: Any) -> None:
        """Follow one thing that a name stands for."""
        thing = inspect.unwrap(thing) if isinstance(thing, FunctionType) else thing
        if id(thing) in self.seen:
            return
        self.seen[id(thing)] = thing
        match thing:
            case TextClause():
                self.written |= written_by(thing.text)
            case FunctionType() | type() if thing.__module__.startswith(_OURS):
                self.follow(thing)
            case dict():
                for value in thing.values():
                    self.reach(value)
            case list() | tuple() | set() | frozenset():
                for value in thing:
                    self.reach(value)
            case str():
                self.written |= written_by(thing)
            case _:
                pass  # what is not ours, and what holds no code

    def follow(self, thing: FunctionType | type) -> None:
        """Follow every name in the code of a function or class."""
        module = importlib.import_module(thing.__module__)
        tree = _source(thing)
        if tree is None:
            return
        names = vars(module) | dict(_imported(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                self._note_model(node, names)
            if isinstance(node, ast.Name | ast.Attribute):
                found = _resolved(node, names)
                if not isinstance(found, ModuleType):
                    self.reach(found)
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                self.written |= written_by(node.value)

    def _note_model(self, call: ast.Call, names: Mapping[str, Any]) -> None:
        """Note a row that is made, and `update(Model)` and its like."""
        made = [call.func]
        if isinstance(call.func, ast.Name) and call.func.id in _CORE_WRITES:
            made += call.args[:1]
        for node in made:
            table = getattr(_resolved(node, names), "__tablename__", None)
            if table in tables():
                self.written.add(str(table))


@cache
def _source(thing: FunctionType | type) -> ast.AST | None:
    try:
        if isinstance(thing, FunctionType) and thing.__name__ == "<lambda>":
            return _lambdas(thing)
        return ast.parse(inspect.cleandoc("\n" + inspect.getsource(thing)))
    except (OSError, TypeError):  # made at run time: nothing of ours is
        return None


def _lambdas(thing: FunctionType) -> ast.Module:
    """Return the lambdas of a line; their source is no statement, and where it ends Python does not tell."""
    whole = ast.parse(inspect.getsource(importlib.import_module(thing.__module__)))
    line = thing.__code__.co_firstlineno
    found = [node for node in ast.walk(whole) if isinstance(node, ast.Lambda) and node.lineno == line]
    return ast.Module([ast.Expr(node) for node in found], [])


def _imported(tree: ast.AST) -> Iterator[tuple[str, Any]]:
    """Yield what functions import for themselves."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and f"{node.module}.".startswith(_OURS):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")
                yield alias.asname or alias.name, getattr(module, alias.name)


def _resolved(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """Return what a name, or a name of a module's, stands for; None for what only running tells."""
    match node:
        case ast.Name(id=name):
            return names.get(name)
        case ast.Attribute(value=inner, attr=name):
            owner = _resolved(inner, names)
            return getattr(owner, name, None) if isinstance(owner, ModuleType | type) else None
        case _:
            return None
