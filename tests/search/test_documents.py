"""What cards and pages are made of: HTML that cannot act, and pictures that are ready."""

from typing import Any

import pytest

from shared.core import ids
from shared.search import documents
from tests.catalog.shelf import make
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.search.shopfront import deliver

HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<iframe src='https://evil.example'></iframe>",
    "<form action='https://evil.example'><input name=card></form>",
    "<style>body{background:url(javascript:alert(1))}</style>",
    "<p style='position:fixed;inset:0'>x</p>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<base href='https://evil.example/'>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<object data='x'></object><embed src='x'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "&lt;script&gt;alert(1)&lt;/script&gt;<!-- <script>alert(1)</script> -->",
)
ACTING = (
    "<script",
    "onerror",
    "javascript:",
    "data:",
    "<iframe",
    "<form",
    "<style",
    "style=",
    "<base",
    "<meta",
    "<obj",
)


@pytest.mark.parametrize("html", HOSTILE)
def test_nothing_in_a_description_acts_in_a_shoppers_browser(html: str) -> None:
    shown = documents.cleaned(f"<p>Fine</p>{html}").lower()

    assert "<p>fine</p>" in shown
    assert [word for word in ACTING if word in shown.replace("&lt;script", "")] == []


def test_what_merchants_write_to_describe_things_stays() -> None:
    html = (
        '<h2>Care</h2><ul><li><strong>Dry</strong> &amp; cool</li></ul><table><tr><td colspan="2">শাড়ি</td></tr></table>'
    )

    shown = documents.cleaned(html)

    assert shown.replace("<tbody>", "").replace("</tbody>", "") == html


def test_a_text_without_html_is_passed_as_it_is() -> None:
    assert documents.cleaned("5 > 3, said R2-D2") == "5 > 3, said R2-D2"


@pytest.mark.usefixtures("watch")
def test_a_picture_shows_as_soon_as_it_is_ready_and_not_before(sql: Sql) -> None:
    store = a_store()
    product = make(store, "MUG", title="Tea mug", status="active")
    media_id = ids.new_id()
    sql(
        "insert into media_assets (store_id, id, status, source, width, height, renditions, due_at, created_at, "
        "updated_at) values (%s, %s, 'awaiting_upload', 'upload', 800, 600, '[]', now(), now(), now())",
        store.id,
        media_id,
    )
    sql(
        "insert into product_images (store_id, id, product_id, media_id, alt) values (%s, %s, %s, %s, 'Red mug')",
        store.id,
        ids.new_id(),
        ids.decode("prod", product["id"]),
        media_id,
    )
    for status in ("queued", "processing"):
        sql("update media_assets set status = %s where store_id = %s and id = %s", status, store.id, media_id)
    store.show()
    before = shown(store)
    sql(
        "update media_assets set status = 'ready', due_at = null, renditions = "
        """'[{"format": "jpeg", "width": 640, "height": 480, "bytes": 9, "key": "a/b.jpg"},"""
        """{"format": "avif", "width": 640, "height": 480, "bytes": 9, "key": "a/b.avif"}]' """
        "where store_id = %s and id = %s",
        store.id,
        media_id,
    )
    told = {"media_id": ids.encode("media", media_id), "version": 2}
    event = {"id": str(ids.new_id()), "type": "media.ready", "payload": told}

    failed = deliver("product-summaries", [{"store_id": str(store.id), "event": event}])

    (image,) = shown(store)
    assert (before, failed) == ([], [])
    assert (image["alt"], image["width"], image["height"]) == ("Red mug", 800, 600)
    assert image["url"].endswith("/a/b.jpg")
    assert [source["type"] for source in image["sources"]] == ["image/avif", "image/jpeg"]
    assert store.shopper.get("/storefront/products").json()["data"][0]["image"] == image


def shown(store: StoreUnderTest) -> list[dict[str, Any]]:
    """Return the pictures that shoppers see of the tea mug."""
    images: list[dict[str, Any]] = store.shopper.get("/storefront/products/tea-mug").json()["images"]
    return images
