"""How each route is called with a store's own things: a module an area. A new route joins, or the suite says so.

A route that takes an id in several ways has several cases: every field that can name something is named in one.
"""

import importlib
import pkgutil

from tests.tenancy.routes.registry import BY_ANYBODY, CASES, WITHOUT_STORE

__all__ = ["BY_ANYBODY", "CASES", "WITHOUT_STORE"]

for _module in pkgutil.iter_modules(__path__, f"{__name__}."):
    importlib.import_module(_module.name)
