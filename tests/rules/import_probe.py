"""Imports what it is told, in a process with nothing: `python import_probe.py ROOT PACKAGE...`, JSON offences out.

Run by path in a fresh interpreter, so this file imports nothing of the project: the probe must not load what it
looks for.
"""

import importlib
import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from typing import Never

# Up to a second of imports each that most functions never need; the function that uses them imports them. Of botocore,
# Powertools touches the outermost module, which costs nothing; its sessions and clients are what counts.
HEAVY = ("boto3", "botocore.session", "botocore.client", "aws_xray_sdk", "aws_cdk", "moto")


class Reached(Exception):
    """An import reached for something outside."""


def main(root: str, *packages: str) -> None:
    """Import every module of `packages`, and print what offends: {module: sentence}."""
    sys.path.insert(0, root)
    _cut_off()
    offences: dict[str, str] = {}
    loaded: set[str] = set()
    for name in _modules(packages, offences):
        try:
            importlib.import_module(name)
        except Exception as failure:  # noqa: BLE001 -- whatever it is, the module can't be imported
            offences[name] = f"can't be imported with nothing around it: {type(failure).__name__}: {failure}"
        if heavy := {module for module in HEAVY if module in sys.modules} - loaded:
            offences[name] = f"imports {', '.join(sorted(heavy))} when it is imported"
            loaded |= heavy
    sys.stdout.write(json.dumps(offences))


def _modules(packages: tuple[str, ...], offences: dict[str, str]) -> Iterator[str]:
    for package in packages:
        found = importlib.import_module(package)
        names = pkgutil.walk_packages(found.__path__, f"{package}.", onerror=_passed_over)
        yield from sorted(module.name for module in names if module.name not in offences)


def _passed_over(_package: str) -> None:
    """Let the walk go on: a package that can't be imported is met again, by its name."""


def _cut_off() -> None:
    """Take the environment, the network, other processes and the database away."""
    os.environ.clear()
    setattr(importlib.import_module("sqlalchemy"), "create_engine", _no_engine)  # noqa: B010 -- a module is no class
    sys.addaudithook(_watch)


def _watch(event: str, _arguments: tuple[object, ...]) -> None:
    if event.startswith(("socket.", "subprocess.")):
        message = f"{event}: an import may not reach outside"
        raise Reached(message)


def _no_engine(*_arguments: object, **_named: object) -> Never:
    message = "create_engine: an import may not make one"
    raise Reached(message)


if __name__ == "__main__":
    main(*sys.argv[1:])
