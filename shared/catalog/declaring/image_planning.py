"""The pictures that a document wants of its product, and in which order."""

from collections.abc import Mapping

from shared.catalog.declaring.changes import ProductChange, wrong
from shared.catalog.declaring.present import Row
from shared.catalog.declaring.settings import Setting
from shared.catalog.documents import Picture
from shared.catalog.fields import MAX_IMAGES
from shared.core import ids


def plan_images(change: ProductChange, setting: Setting) -> None:
    """Say which pictures the product will have. Without a list of them they stay as they are."""
    present = change.before.images if change.before is not None else []
    document = change.document
    if "images" not in document.model_fields_set:
        change.images = list(present)
        return
    there = {row["media_id"]: row for row in present}
    wanted: list[Row] = []
    named: set[str] = set()
    for place, image in enumerate(document.images, start=1):
        media_id = _media_id(image, there, setting, "images", place - 1)
        if media_id in named:
            raise wrong("given_twice", "A product shows a picture once; name it once.", "images", place - 1)
        named.add(media_id)
        row = there.get(media_id) or _new(change, media_id)
        alt = image.alt if "alt" in image.model_fields_set else row["alt"]
        wanted.append({**row, "position": place, "alt": alt})
    change.images = wanted
    tell(change)


def image_of(change: ProductChange, picture: Picture, setting: Setting, place: int) -> str:
    """Return the id of the product's image that shows this picture; added as the last if it is not among them.

    `place` is the variant's that wants it, for the errors' pointers.
    """
    present = change.before.images if change.before is not None else []
    shown = {row["media_id"]: row for row in change.images}
    there = {row["media_id"]: row for row in present} | shown
    media_id = _media_id(picture, there, setting, "variants", place, "image")
    if media_id in shown:
        return str(shown[media_id]["id"])
    if len(change.images) >= MAX_IMAGES:
        raise wrong("too_many_images", f"A product has at most {MAX_IMAGES} pictures.", "images")
    last = max((row["position"] for row in change.images), default=0)
    row = there.get(media_id) or _new(change, media_id)
    change.images.append({**row, "position": last + 1})
    return str(change.images[-1]["id"])


def tell(change: ProductChange) -> None:
    """Note for the history that the pictures change, if they do."""
    present = change.before.images if change.before is not None else []
    change.changed.pop("images", None)
    if present != change.images:
        change.changed["images"] = (_shown(present), _shown(change.images))


def _media_id(picture: Picture, there: Mapping[str, Row], setting: Setting, *steps: str | int) -> str:
    if picture.media_id is None:
        fetched = setting.media.get(picture.url or "")
        if fetched is None:
            raise wrong("unusable_address", "Nothing can be fetched from this address.", *steps)
        return fetched
    media_id = str(picture.media_id)
    if media_id not in there and media_id not in setting.usable_media:
        raise wrong("unknown_media", "The store has no such picture, or it was refused.", *steps)
    return media_id


def _new(change: ProductChange, media_id: str) -> Row:
    return {"id": str(ids.new_id()), "product_id": change.row["id"], "media_id": media_id, "position": 0, "alt": ""}


def _shown(images: list[Row]) -> list[dict[str, str]]:
    return [{"media_id": row["media_id"], "alt": row["alt"]} for row in images]
