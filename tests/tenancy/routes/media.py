"""Calls of pictures."""

from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World


def _new(world: World) -> dict[str, object]:
    return {"file_name": f"{world.new_name()}.jpg", "media_type": "image/jpeg", "size_bytes": 1000}


def _begun(world: World) -> str:
    media_id: str = world.made(world.store.merchant.post("/media", json=_new(world)))["media"]["id"]
    return media_id


simple("media-list-media", lambda _: Call())
simple("media-begin-upload", lambda world: Call(json=_new(world)))
simple("media-get-media", lambda world: Call(path={"media_id": _begun(world)}))
simple("media-finish-upload", lambda world: Call(path={"media_id": _begun(world)}))
simple("media-delete-media", lambda world: Call(path={"media_id": _begun(world)}))


@calls("media-list-media")
def pictures_from_a_cursor_on(world: World) -> Call:
    for _ in range(2):
        _begun(world)
    page = world.made(world.store.merchant.get("/media", params={"limit": 1}))["page"]
    return Call(query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True)
