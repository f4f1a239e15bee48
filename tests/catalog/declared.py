"""How tests declare products: documents with little in them, and what became of each."""

from typing import Any

from shared.core.principal import Principal
from shared.inventory import declaring
from shared.inventory.declaring import Outcome
from shared.inventory.documents import StockedProductDocument
from tests.factories import StoreUnderTest


def document(**given: Any) -> StockedProductDocument:
    """Read a document as it comes over the wire."""
    return StockedProductDocument.model_validate(given)


def mug(number: int = 1, /, **given: Any) -> dict[str, Any]:
    """Return a product with one variant, as JSON."""
    slug = f"mug-{number}"
    variant = {"sku": f"MUG-{number}", "price": 1000 + number, "on_hand": 5}
    return {"slug": slug, "title": f"Mug {number}", "status": "active", "variants": [variant], **given}


def declare(store: StoreUnderTest, *documents: dict[str, Any], by: Principal | None = None) -> list[Outcome]:
    """Declare products in one transaction."""
    with store.session() as session:
        return declaring.declare_products(session, [document(**one) for one in documents], by=by)


def actions(outcomes: list[Outcome]) -> list[str]:
    """Return what became of each document: the action, or the code of what speaks against it."""
    return [one.problem.code if one.problem else str(one.action) for one in outcomes]


def defined(store: StoreUnderTest) -> None:
    """Define a brand, categories, a label, attributes and custom fields, all to be named by slug, code or key."""
    choices = {
        "material": ["clay", "glass"],
        "uses": ["hot", "cold"],
    }
    bodies: list[tuple[str, dict[str, Any]]] = [
        ("/brands", {"name": "Weavers"}),
        ("/categories", {"name": "Cups"}),
        ("/categories", {"name": "Gifts"}),
        ("/labels", {"name": "New"}),
        *(
            ("/attributes", {"code": code, "name": code, "kind": kind})
            for code, kind in (("height", "number"), ("glazed", "boolean"), ("care", "text"))
        ),
        *(
            (
                "/attributes",
                {"code": code, "name": code, "kind": kind, "choices": [{"name": name} for name in choices[code]]},
            )
            for code, kind in (("material", "choice"), ("uses", "choices"))
        ),
        ("/custom-fields", {"entity": "product", "key": "origin", "name": "Origin", "kind": "text"}),
        ("/custom-fields", {"entity": "variant", "key": "shade", "name": "Shade", "kind": "text"}),
    ]
    for path, body in bodies:
        made = store.merchant.post(path, json=body)
        assert made.status_code == 201, made.text


def read(store: StoreUnderTest, slug: str) -> dict[str, Any]:
    """Return the product of a slug, as its merchant reads it."""
    found = store.merchant.get("/products", params={"slug": slug}).json()["data"]
    whole: dict[str, Any] = store.merchant.get(f"/products/{found[0]['id']}").json()
    return whole
