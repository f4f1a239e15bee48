"""Which paths the edge keeps, and how it makes equal what means the same: see `stacks.edge_caching` for the rest."""

import fnmatch
import json
import re
from collections.abc import Sequence

from shared.core.topology import Endpoint, Topology

MOST_BEHAVIORS = 20  # of the 25 that a distribution has without asking for more
LANGUAGES = ("en", "bn")  # in which a storefront may be answered; the first, where none is asked for

_ASK_THE_SAME = """\
function handler(event) {
  var request = event.request;
  var headers = request.headers;
  headers['x-forwarded-host'] = { value: headers.host.value };
  headers['x-viewer-address'] = { value: event.viewer.ip };
  headers['accept-language'] = { value: spoken(headers['accept-language']) };
  var code = currency(headers['x-currency']);
  if (code) {
    headers['x-currency'] = { value: code };
  } else {
    delete headers['x-currency'];
  }
  request.querystring = sorted(request.querystring);
  return request;
}
function spoken(header) {
  var wanted = header ? header.value.toLowerCase().split(',') : [];
  for (var i = 0; i < wanted.length; i++) {
    var language = wanted[i].split(';')[0].trim().split('-')[0];
    if (LANGUAGES.indexOf(language) >= 0) {
      return language;
    }
  }
  return LANGUAGES[0];
}
function currency(header) {
  var code = header ? header.value.trim().toUpperCase() : '';
  return /^[A-Z]{3}$/.test(code) ? code : '';
}
function sorted(query) {
  var inOrder = {};
  var names = Object.keys(query).sort();
  for (var i = 0; i < names.length; i++) {
    inOrder[names[i]] = query[names[i]];
  }
  return inOrder;
}
"""


class KeptByMistake(ValueError):
    """A path that the edge keeps is also that of a route that is not cached: it would get no token, or be kept."""


class TooManyBehaviors(ValueError):
    """More paths are kept than a distribution has behaviors."""


def kept_paths(topology: Topology) -> Sequence[str]:
    """Return the path patterns of the routes whose answers the edge keeps.

    Raises:
        KeptByMistake: a pattern also matches the path of a route that is not cached.
        TooManyBehaviors: there are more of them than a distribution takes.
    """
    kept = sorted({_pattern(one.path) for one in topology.endpoints if one.cached})
    for other in topology.endpoints:
        if not other.cached and other.method != "OPTIONS" and (found := _kept_with(other, kept)):
            message = f"The edge keeps {found}, which {other.name} at {other.path} would fall under; move one of them."
            raise KeptByMistake(message)
    if len(kept) > MOST_BEHAVIORS:
        message = f"{len(kept)} paths are kept, and a distribution has room for {MOST_BEHAVIORS}; give some one prefix."
        raise TooManyBehaviors(message)
    return kept


def _pattern(path: str) -> str:
    return re.sub(r"\{[^}]*\}", "*", path)


def _kept_with(other: Endpoint, kept: Sequence[str]) -> str | None:
    path = re.sub(r"\{[^}]*\}", "x", other.path)
    return next((pattern for pattern in kept if fnmatch.fnmatchcase(path, pattern)), None)


def function_code() -> str:
    """Return what runs at the edge before the key is made."""
    return f"var LANGUAGES = {json.dumps(LANGUAGES)};\n{_ASK_THE_SAME}"
