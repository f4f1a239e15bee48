"""What S3 and the edge do with objects, on one machine: takes signed forms, serves signed addresses and pictures.

The objects are files under the state folder, so they outlive a restart. A form is held to the conditions that it was
signed with, by the same answers as S3's: 204, 403 for a form that is not ours, 400 for a file that is too large.
Pictures under /media/ go out as the edge sends them: public, and never to change.
"""

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from infra.local import gateway
from shared.core.storage import IMMUTABLE, MEDIA_PATH, BadKey, Bucket, NoSuchObject
from shared.core.storage_files import UPLOAD_PATH, Denied, FileObjects, WrongSize

_MOST_FIELDS = 20  # of a form; ours have four
# A shop's pages on other hosts show pictures and send files: what S3 and CloudFront are told about CORS in the cloud.
_OPEN = {"access-control-allow-origin": "*", "x-content-type-options": "nosniff"}
_PREFLIGHT = {"access-control-allow-methods": "GET, HEAD, POST", "access-control-allow-headers": "*"}
_TYPES = {".avif": "image/avif", ".jpg": "image/jpeg", ".webp": "image/webp"}


class LocalObjects:
    """The ASGI application under /objects/ and /media/."""

    def __init__(self, objects: FileObjects) -> None:
        """Serve `objects`."""
        self._objects = objects
        self._app = Starlette(
            routes=[
                Route(UPLOAD_PATH + "{bucket}", self._upload, methods=["POST"]),
                Route(UPLOAD_PATH + "{path:path}", self._preflight, methods=["OPTIONS"]),
                Route(UPLOAD_PATH + "{path:path}", self._download),
                Route(MEDIA_PATH + "{key:path}", self._media),
            ],
        )

    async def __call__(self, scope: gateway.Message, receive: gateway.Receive, send: gateway.Send) -> None:
        """Serve one request."""
        await self._app(scope, receive, send)

    async def _upload(self, request: Request) -> Response:
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            file = form.get("file")
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
            try:
                allowed = self._objects.taking(request.path_params["bucket"], fields)
                if not isinstance(file, UploadFile):
                    return _plain(400, "The form has no file.")
                self._objects.take(allowed, file.file)
            except Denied as denied:
                return _plain(403, str(denied))
            except WrongSize as wrong:
                return _plain(400, str(wrong))
        return Response(status_code=204, headers=_OPEN)

    def _preflight(self, _: Request) -> Response:
        return Response(status_code=204, headers={**_OPEN, **_PREFLIGHT})

    def _download(self, request: Request) -> Response:
        try:
            path, name = self._objects.fetching(request.path_params["path"], request.query_params)
        except Denied as denied:
            return _plain(403, str(denied))
        except (BadKey, NoSuchObject):
            return _plain(404, "There is no such object.")
        return FileResponse(path, filename=name, media_type="application/octet-stream", headers=_OPEN)

    def _media(self, request: Request) -> Response:
        try:
            path = self._objects.existing(Bucket.MEDIA, request.path_params["key"])
        except (BadKey, NoSuchObject):
            return _plain(404, "There is no such picture.")
        media_type = _TYPES.get(path.suffix, "application/octet-stream")
        return FileResponse(path, media_type=media_type, headers={**_OPEN, "cache-control": IMMUTABLE})


def with_objects(objects: gateway.ASGI, others: gateway.ASGI) -> gateway.ASGI:
    """Join the two applications: /objects/ and /media/ are the objects', all else the others'."""

    async def serve(scope: gateway.Message, receive: gateway.Receive, send: gateway.Send) -> None:
        chosen = objects if scope.get("path", "").startswith((UPLOAD_PATH, MEDIA_PATH)) else others
        await chosen(scope, receive, send)

    return serve


def _plain(status: int, message: str) -> Response:
    return PlainTextResponse(message + "\n", status_code=status, headers=_OPEN)
