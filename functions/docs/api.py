"""The documentation over HTTP. Needs neither a credential nor a network beyond this host."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse

from shared.core.errors import NotFound
from shared.core.functions import Api
from shared.core.schemas import Schema

api = Api("docs", prefix="/api/v1", audience="merchant")

_FOLDER = Path(__file__).parent
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
}
_PUBLIC = "Documentation is for everyone."
_A_DAY = "public, max-age=86400"

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>StormCom API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Scripts and styles of this host alone; Swagger UI sets styles inline and draws its icons from data URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class ProblemOut(Schema):
    """What a problem's code means."""

    code: str
    title: str
    statuses: list[int]
    meaning: str


@api.get("/openapi.json", public=_PUBLIC, tenant="none")
def get_openapi() -> Response:
    """Read the OpenAPI 3.1 document of the whole API."""
    return _file("openapi.json", "application/json", "public, max-age=300")


@api.get("/docs", public=_PUBLIC, tenant="none", produces=("text/html",))
def get_docs() -> HTMLResponse:
    """Read the API's documentation in a browser."""
    headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "public, max-age=300"}
    return HTMLResponse(_PAGE, headers=headers)


@api.get("/docs/{asset}", public=_PUBLIC, tenant="none", produces=("text/javascript", "text/css"))
def get_docs_asset(asset: str) -> Response:
    """Read a script or style sheet of the documentation."""
    if asset not in _ASSETS:
        detail = "There is no such file."
        raise NotFound(detail)
    return _file(f"static/{asset}", _ASSETS[asset], _A_DAY)


@api.get("/problems/{code}", public=_PUBLIC, tenant="none")
def explain_problem(code: str) -> ProblemOut:
    """Read what a problem's code means; a problem document's `type` leads here."""
    found = _problems().get(code)
    if found is None:
        detail = "There is no problem of this code."
        raise NotFound(detail)
    return ProblemOut(code=code, **found)


@cache
def _problems() -> dict[str, dict[str, Any]]:
    document = json.loads((_FOLDER / "openapi.json").read_bytes())
    problems: dict[str, dict[str, Any]] = document["x-problems"]
    return problems


@cache
def _read(name: str) -> tuple[bytes, str]:
    content = (_FOLDER / name).read_bytes()
    return content, f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def _file(name: str, media_type: str, caching: str) -> Response:
    content, etag = _read(name)
    headers = {"ETag": etag, "Cache-Control": caching, "X-Content-Type-Options": "nosniff"}
    return Response(content, media_type=media_type, headers=headers)


handler = api.lambda_handler()
