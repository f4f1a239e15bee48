"""The API's documentation over HTTP: the OpenAPI document, pages that render it offline, and what each problem means.

`openapi.json` is generated from the declarations (`make contracts`) and served as it is, so that this function need not
import the others. `static/` is Swagger UI 5.35.0 as its publisher released it (Apache-2.0, see the LICENSE beside it).
"""
