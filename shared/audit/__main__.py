"""`python -m shared.audit verify --tenant store_... | --all`: verify audit trails, and name what was altered.

For operators and auditors: runs what `/api/v1/audit/verifications` runs, in this process, in the environment of a
function that may (STORMCOM_DATABASE_URL, STORMCOM_AUDIT_KEY, STORMCOM_OBJECTS). On a laptop the running system's is
taken by `python -m infra.local.within python -m shared.audit verify --all`. Exits with 1 where something is wrong.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from uuid import UUID

from shared.audit import heads
from shared.audit.sealing_keys import sealing_keys
from shared.audit.vault import vault
from shared.audit.verification import Checkpoint, Verification
from shared.core import database, ids

_PAGE = 1000
_PREFIXES = ("store", "org", "user")  # of the kinds of tenants


def main(arguments: Sequence[str]) -> int:
    """Verify the trails that the command line names; return 0 if every one is whole."""
    parser = argparse.ArgumentParser(prog="python -m shared.audit", description=(__doc__ or "").partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    verify = commands.add_parser("verify", help="name whatever was altered since it was sealed")
    which = verify.add_mutually_exclusive_group(required=True)
    which.add_argument("--tenant", action="append", metavar="ID", help="store_..., org_..., user_... or a UUID")
    which.add_argument("--all", action="store_true", help="every tenant that has a chain")
    told = parser.parse_args(arguments)
    try:
        tenants = list(_all()) if told.all else [_id(text) for text in told.tenant]
    except ValueError as error:
        parser.error(str(error))
    wrong = sum(_verify(tenant) for tenant in tenants)
    _say(f"{len(tenants)} trails, {wrong} findings")
    return 1 if wrong else 0


def _verify(tenant: UUID) -> int:
    counts, findings = Counter[str](), 0
    for page in Verification(tenant, keys=sealing_keys(), vault=vault()).pages(Checkpoint()):
        counts.update(page.counts)
        for found in page.findings:
            _say(f"{tenant}: {found.code}: {found.subject}: {found.message}")
        findings += len(page.findings)
    told = ", ".join(f"{counts[name]} {name}" for name in ("blocks", "entries", "heads", "archives"))
    _say(f"{tenant}: {told}: {f'{findings} findings' if findings else 'whole'}")
    return findings


def _all() -> Iterator[UUID]:
    last = UUID(int=0)
    while True:
        with database.transaction() as session:
            page = heads.tenants_with_chains(session, last=last, most=_PAGE)
        yield from page
        if len(page) < _PAGE:
            return
        last = page[-1]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _id(text: str) -> UUID:
    prefix = text.partition("_")[0]
    return ids.decode(prefix, text) if prefix in _PREFIXES else UUID(text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
