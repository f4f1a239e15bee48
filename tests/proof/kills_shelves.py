"""What merchants say of whole products and of the shelf at once, one by one, in batches and as files."""

import json
from random import Random
from typing import Any

from functions.imports import run
from shared.core import ids
from tests.checkout.purchases import a_cart
from tests.factories import add_product
from tests.imports import files
from tests.proof.kills_acts import Act, Call, new_key
from tests.proof.kills_background import message
from tests.proof.kills_world import PLENTY, World

type Document = dict[str, Any]


def create_product(world: World, rng: Random) -> Call:
    """Let a merchant put a new product on sale, with what of it is there."""
    variants = [{"sku": _name(), "title": str(place), "price": 900, "stock": rng.randint(0, 9)} for place in range(2)]
    return _sent(world, "POST", "/products", {"title": _name(), "status": "active", "variants": variants})


def add_variant(world: World, rng: Random) -> Call:
    """Let a merchant put another size of a product on sale, with what of it is there."""
    product = _made(world, _new(rng))
    return _sent(world, "POST", f"/products/{product['id']}/variants", _variant(rng, "Large") | {"stock": 5})


def declare_new(world: World, rng: Random) -> Call:
    """Let a merchant declare a product that is not there yet."""
    return _sent(world, "PUT", "/products", _new(rng))


def declare_counts(world: World, rng: Random) -> Call:
    """Let a merchant declare other counts and rules, and one variant more, of a product that shoppers hold some of."""
    return _sent(world, "PUT", "/products", _recounted(world, rng))


def declare_in_vain(world: World, rng: Random) -> Call:
    """Let a merchant declare less of a product than shoppers were promised: it is refused whole."""
    document = _recounted(world, rng)
    document["variants"][0]["on_hand"] = 0
    return _sent(world, "PUT", "/products", document)


def declare_many(world: World, rng: Random) -> Call:
    """Let a merchant declare several products at once, with some of each: new, moved, as they are, refused, to go."""
    as_it_is = _new(rng)
    _made(world, as_it_is)
    refused = _recounted(world, rng)
    refused["variants"][0]["on_hand"] = 0
    goes = _made(world, _new(rng))["id"]
    wanted = [_new(rng), _recounted(world, rng), as_it_is, refused]
    rng.shuffle(wanted)
    return _sent(world, "POST", "/products/batch", {"products": wanted, "delete": [goes]})


def edit_rules(world: World, rng: Random) -> Call:
    """Let a merchant change by which rules something is sold."""
    sku = _name()
    add_product(world.store, sku, price=700, stock=rng.randint(20, 50))
    rules = {"safety_stock": rng.randint(1, 9), "allow_backorder": rng.random() < 0.5}
    return _sent(world, "PATCH", f"/inventory/{world.store.variant(sku)}", rules)


def import_products(world: World, rng: Random) -> Call:
    """Let the worker of imports make, recount and leave products as a file says, one of whose rows says nothing."""
    moved, same = _name(), _name()
    for sku in (moved, same):
        add_product(world.store, sku, price=1250, stock=5)
    a_cart(world.store, {moved: 2}).started()
    rows = [
        files.product(f"product-{moved.lower()}", Title=f"Product {moved}", Variant_SKU=moved, **_quantity(rng)),
        files.product(f"product-{same.lower()}", Title=f"Product {same}", Variant_SKU=same),
        files.product(_name().lower(), **_quantity(rng)),
        files.product(_name().lower(), Variant_Price="much"),
    ]
    files.started(world.store, files.written(rows))
    return message(run.run, json.dumps({"store_id": str(world.store.id)}))


SHELVES = (
    Act("product: create", "catalog-create-product", create_product),
    Act("product: add a variant", "catalog-add-variant", add_variant),
    Act("product: declare a new one", "catalog-declare-product", declare_new),
    Act("product: declare counts", "catalog-declare-product", declare_counts),
    Act("product: declare in vain", "catalog-declare-product", declare_in_vain),
    Act("product: declare many", "catalog-declare-products", declare_many),
    Act("stock: edit rules", "inventory-edit-stock-rules", edit_rules),
)
IMPORT = Act("worker: import products", "imports-run", import_products)


def _name() -> str:
    return f"RARE-{ids.new_id().hex[-12:]}"


def _quantity(rng: Random) -> dict[str, str]:
    return {"Variant_Inventory_Qty": str(rng.randint(6, 99))}


def _variant(rng: Random, title: str) -> Document:
    return {"sku": _name(), "title": title, "price": rng.randint(1, 90_000)}


def _new(rng: Random) -> Document:
    """Return the document of a product that is not there, of which there are some."""
    name = _name()
    sizes = [_variant(rng, size) | {"on_hand": rng.randint(20, 50)} for size in ("Small", "Medium")]
    return {"slug": name.lower(), "title": f"Goods {name}", "status": "active", "variants": sizes}


def _made(world: World, document: Document) -> Document:
    """Declare a product; return it as the merchant reads it."""
    answer = world.store.merchant.put("/products", json=document, key=True)
    assert answer.status_code == 200, answer.text
    product: Document = answer.json()
    return product


def _recounted(world: World, rng: Random) -> Document:
    """Make a product, let a shopper reserve some, and return what says that more is there, in another size as well."""
    document = _new(rng)
    _made(world, document)
    small, medium = document["variants"]
    a_cart(world.store, {small["sku"]: rng.randint(1, 9)}).started()
    # On the shelf still is what was promised: the count goes down to where that is all there is, or up.
    recounted = [
        {"sku": small["sku"], "title": "Small", "on_hand": small["on_hand"] + rng.choice([-9, 9])},
        {"sku": medium["sku"], "title": "Medium", "safety_stock": rng.randint(1, 5), "allow_backorder": True},
        _variant(rng, "Large") | {"on_hand": rng.randint(0, PLENTY)},
    ]
    return {"slug": document["slug"], "title": document["title"], "variants": recounted}


def _sent(world: World, method: str, path: str, body: Document) -> Call:
    key = new_key()
    return Call(lambda: world.store.merchant.request(method, path, json=json.loads(json.dumps(body)), key=key))
