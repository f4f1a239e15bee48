"""The rules about what code does: time, money, ids, transactions, layers."""

import ast
from collections.abc import Iterator
from functools import cache

from tests.rules.rule import Rule, in_domains, inside
from tests.rules.sources import Source, dotted, imported, python_sources

_CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
}
_OWN_IDS = ("uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "uuid_utils")
_SQL = {"select", "insert", "update", "delete", "text"}
_BLIND = {"Exception", "BaseException"}
_HTTP_FILES = ("api", "storefront", "platform")


def _clocks(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and tuple(dotted(node).split(".")[-2:]) in _CLOCKS:
            yield node.lineno
    yield from (line for line, name in imported(source.tree) if name in ("time.time", "time.time_ns"))


def _floats(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        match node:
            case ast.Name(id="float" | "Float" | "Double") | ast.Constant(value=float()):
                yield node.lineno
            case _:
                continue


def _own_ids(source: Source) -> Iterator[int]:
    for line, name in imported(source.tree):
        if any(name == one or name.startswith(f"{one}.") for one in _OWN_IDS):
            yield line
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and dotted(node) in _OWN_IDS:
            yield node.lineno


def _random_numbers(source: Source) -> Iterator[int]:
    yield from (line for line, name in imported(source.tree) if name.split(".")[0] == "random")


def _commits(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in ("commit", "rollback")
        ):
            yield node.lineno


def _speaks_http(source: Source) -> bool:
    return source.within("functions") and source.path.stem.split("_")[0] in _HTTP_FILES


def _sql(source: Source) -> Iterator[int]:
    for line, name in imported(source.tree):
        module, _, what = name.rpartition(".")
        if module.split(".")[0] == "sqlalchemy" and what in _SQL:
            yield line
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "session":
            yield node.lineno


def _blind_excepts(source: Source) -> Iterator[int]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and (node.type is None or _is_blind(node.type)):
            yield node.lineno
        elif isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "suppress":
            yield from (argument.lineno for argument in node.args if _is_blind(argument))


def _is_blind(caught: ast.expr) -> bool:
    if isinstance(caught, ast.Tuple):
        return any(_is_blind(one) for one in caught.elts)
    return dotted(caught) in _BLIND


def _application(source: Source) -> Iterator[int]:
    for line, name in imported(source.tree):
        if name.split(".")[0] in ("shared", "functions", "infra"):
            yield line


def _foreign_tables(source: Source) -> Iterator[int]:
    """Find the use of another domain's tables; to name one as a type, in an annotation, touches none."""
    foreign = {
        name.rpartition(".")[2]
        for _, name in imported(source.tree)
        if (parts := name.split("."))[0] == "shared" and parts[1] != source.domain and "models" in parts[2:]
    } & {"models", *_tables()}
    annotations = {id(inner) for annotation in _annotations(source.tree) for inner in ast.walk(annotation)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id in foreign and id(node) not in annotations:
            yield node.lineno


@cache
def _tables() -> frozenset[str]:
    """Return the names of the classes that are tables."""
    return frozenset(
        node.name
        for source in python_sources()
        if source.path.name == "models.py"
        for node in source.tree.body
        if isinstance(node, ast.ClassDef) and "__tablename__" in ast.unparse(node)
    )


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign | ast.arg) and node.annotation is not None:
            yield node.annotation
        elif isinstance(node, ast.FunctionDef) and node.returns is not None:
            yield node.returns


RULES = (
    Rule(
        says="There is one clock.",
        applies=inside("functions", "infra", "migrations", "shared", but=("shared/core/clock.py",)),
        find=_clocks,
        instead="Ask shared.core.clock.now(): tests set it. For a duration: time.monotonic or time.perf_counter.",
        where="shared/orders/placement.py",
        offence="from datetime import UTC, datetime\nplaced_at = datetime.now(UTC)\n",
        remedy="import time\nfrom shared.core import clock\nplaced_at = clock.now()\nstarted = time.monotonic()\n",
    ),
    Rule(
        says="Nothing in a domain is a float.",
        applies=lambda source: in_domains(source) or source.within("shared/core/money.py"),
        find=_floats,
        instead="Amounts are Money or integer minor units, rates Decimal('0.15'), durations timedelta.",
        where="shared/pricing/tax.py",
        offence="def tax(total: int) -> int:\n    return round(total * 0.15)\n",
        remedy="from decimal import Decimal\nRATE = Decimal('0.15')\n",
    ),
    Rule(
        says="Ids come from one place.",
        applies=inside("functions", "shared", but=("shared/core/ids.py",)),
        find=_own_ids,
        instead="Ask shared.core.ids.new_id(); secrets come from shared.core.credentials.",
        where="shared/orders/models.py",
        offence="import uuid\nDEFAULT = uuid.uuid4\n",
        remedy="from uuid import UUID\nfrom shared.core import ids\nDEFAULT = ids.new_id\n",
    ),
    Rule(
        says="The business rolls no dice.",
        applies=in_domains,
        find=_random_numbers,
        instead="What must not be guessed comes from `secrets`, ids from shared.core.ids; the rest is decided by rows.",
        where="shared/orders/numbers.py",
        offence="from random import randint\n",
        remedy="from shared.core import ids\n",
    ),
    Rule(
        says="One request is one transaction, and shared/core ends it.",
        applies=in_domains,
        find=_commits,
        instead="Take a session and flush at most; for steps apart, declare the consumer with consumer_in_steps.",
        where="shared/orders/placement.py",
        offence="def place(session):\n    session.commit()\n",
        remedy="def place(session):\n    session.flush()\n",
    ),
    Rule(
        says="Endpoints hold no SQL and no business.",
        applies=_speaks_http,
        find=_sql,
        instead="Parse, call one capability of shared/<domain> with the session, present what it returns.",
        where="functions/orders/api.py",
        offence="def get_order(order_id, session):\n    return session.get(Order, order_id)\n",
        remedy="def get_order(order_id, session):\n    return queries.get_order(session, order_id)\n",
    ),
    Rule(
        says="Whoever catches everything hides a bug.",
        applies=inside(
            "functions",
            "infra",
            "migrations",
            "shared",
            "tests",
            but=("shared/core", "infra/local", "tests/bench", "tests/rules/import_probe.py"),
        ),
        find=_blind_excepts,
        instead="Catch the narrowest exception around the fewest lines; a bug flies, once, to the log.",
        where="shared/orders/placement.py",
        offence="try:\n    place()\nexcept (ValueError, Exception):\n    pass\n",
        remedy="try:\n    place()\nexcept ValueError:\n    pass\n",
    ),
    Rule(
        says="A migration imports no application.",
        applies=inside("migrations", but=("migrations/handler.py",)),  # what a deployment calls, and no migration
        find=_application,
        instead="State names and SQL in the migration: it must still run when the application has changed.",
        where="migrations/versions/2026_11_21_1030_add_refunds.py",
        offence="from shared.orders.models import Order\n",
        remedy="from alembic import op\nfrom migrations import tenancy\n",
    ),
    Rule(
        says="A domain never touches another domain's tables.",
        applies=in_domains,
        find=_foreign_tables,
        instead="Call a capability or query function of the domain that owns them.",
        where="shared/orders/placement.py",
        offence="from shared.inventory.models import StockLevel\nlevels = select(StockLevel)\n",
        remedy=(
            "from shared.inventory import reservations\nfrom shared.orders.models import Order\n"
            "from shared.stores.models import Store\ndef place(store: Store) -> Order: ...\n"
        ),
    ),
)
