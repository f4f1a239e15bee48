"""The local gateway with every endpoint, and the empty one. A process of its own, or one of several."""

import sys

from infra.local.gateway import WORKERS, Gateway
from infra.local.system import Web
from shared.core import topology
from tests.bench import children, nothing


def main() -> None:
    """Serve on a free port, tell it, and go on until the input ends."""
    voice = children.own_voice()
    facts = children.told()
    web = Web(facts.get("port", 0), shared=True)
    endpoints = [*topology.load().endpoints, nothing.endpoint()]
    gateway = Gateway(endpoints, failed=_complain, workers=facts.get("threads", WORKERS))
    web.start(gateway)
    voice.write(web.base_url.rpartition(":")[2] + "\n")
    sys.stdin.read()
    web.drain()
    gateway.close()
    web.close()


def _complain(function: str, failure: BaseException) -> None:
    sys.stderr.write(f"{function}: {failure!r}\n")


if __name__ == "__main__":
    main()
