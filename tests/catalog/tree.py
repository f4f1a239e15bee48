"""How the tests of the catalog grow trees of categories."""

from typing import Any

from shared.core import ids
from tests.database import Sql
from tests.factories import StoreUnderTest


def category(store: StoreUnderTest, name: str, parent: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """Make a category over HTTP, at the top or below another, and return it."""
    below = {} if parent is None else {"parent_id": parent["id"]}
    answer = store.merchant.post("/categories", json={"name": name, **below, **facts})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def path(store: StoreUnderTest, *names: str) -> list[dict[str, Any]]:
    """Make categories each below the one before."""
    made: list[dict[str, Any]] = []
    for name in names:
        made.append(category(store, name, made[-1] if made else None))
    return made


def move(store: StoreUnderTest, one: dict[str, Any], to: dict[str, Any] | None, **facts: Any) -> Any:
    """Move a category over HTTP; return the answer."""
    wanted = {"parent_id": to and to["id"], **facts}
    return store.merchant.post(f"/categories/{one['id']}/move", json=wanted)


def drawn(store: StoreUnderTest) -> str:
    """Return the store's tree as people draw it: a line a category, indented by its depth."""
    nodes = store.merchant.get("/category-tree").json()["data"]
    return "\n".join("  " * (node["depth"] - 1) + node["name"] for node in nodes)


def plant(sql: Sql, store: StoreUnderTest, parent: dict[str, Any], width: int, depth: int) -> int:
    """Grow a subtree below a category behind the application's back: each has `width` children; return how many."""
    level, planted = [ids.decode("cat", parent["id"])], 0
    for _ in range(depth):
        grown = [(ids.new_id(), above) for above in level for _ in range(width)]
        sql(
            "insert into categories (store_id, id, parent_id, name, slug, created_at, updated_at) "
            "select %s, id, parent_id, 'Leaf', 'leaf-' || id, now(), now() "
            "from unnest(cast(%s as uuid[]), cast(%s as uuid[])) as new(id, parent_id)",
            store.id,
            [one for one, _ in grown],
            [above for _, above in grown],
        )
        level = [one for one, _ in grown]
        planted += len(grown)
    sql("analyze categories")
    return planted
