"""The environment that the local system gives its functions: the same variables that a Lambda has."""

import json
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local import gateway, pump

if TYPE_CHECKING:
    from shared.core.topology import Topology

# A connection for each request in work, each batch, the schedule that runs, and a few for the pages under /dev.
POOL = gateway.WORKERS + pump.AT_ONCE + 1 + 4


def set_up(  # noqa: PLR0913 -- each is one fact about this run, by keyword
    environment: MutableMapping[str, str],
    *,
    topology: "Topology",
    database_url: str,
    queue_prefix: str,
    keys: Path,
    sealing_keys: Path,
    base_url: str,
    folder: Path,
) -> None:
    """Set the functions' variables. What a developer's shell has under these names is replaced."""
    port = base_url.rpartition(":")[2]
    environment.pop("STORMCOM_FUNCTION", None)  # here one Api serves all of its routes
    environment.update(
        {
            "STORMCOM_STAGE": "local",
            "STORMCOM_DATABASE_URL": database_url,
            "STORMCOM_DATABASE_AUTH": "password",
            "STORMCOM_DATABASE_DRIVER": "named",  # there is no proxy before this PostgreSQL
            "STORMCOM_POOL_SIZE": str(POOL),
            "STORMCOM_QUEUE_PREFIX": queue_prefix,
            "STORMCOM_SUBSCRIPTIONS": json.dumps(topology.subscriptions),
            "STORMCOM_KEYS": f"file:{keys}",
            "STORMCOM_AUDIT_KEY": f"file:{sealing_keys}",
            "STORMCOM_OBJECTS": f"file:{folder / 'objects'}",
            "STORMCOM_PUBLIC_URL": f"http://localhost:{port}",
            "STORMCOM_STOREFRONT_DOMAIN": "localhost",  # browsers resolve SLUG.localhost to this machine
            "STORMCOM_EDGE_DISTRIBUTION": "local",  # what an edge would forget goes to the log
            "STORMCOM_CHANNEL": "local",
            "STORMCOM_LOCAL_DIR": str(folder),
            "POWERTOOLS_SERVICE_NAME": "stormcom",
            "POWERTOOLS_METRICS_NAMESPACE": "StormCom",
            "POWERTOOLS_TRACE_DISABLED": "true",
        },
    )
