"""Verification as people meet it: a job over HTTP, a command, and a checkpoint that outlives its worker.

That whatever somebody alters is found and named, tests/proof/test_tampers.py shows.
"""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from functions.audit import keep_head, sweep_heads, verify
from infra.local import events
from shared.audit import checking, heads, verification
from shared.audit.heads import HeadDiffers
from shared.audit.sealing_keys import sealing_keys
from shared.audit.vault import vault
from shared.audit.verification import Checkpoint, Finding, Verification
from shared.core import database, ids
from shared.jobs import driving, working
from tests.audit.trail import a_tenant, change, head_kept, named, queues_noted, sealed, take, verified
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store

pytestmark = pytest.mark.usefixtures("watch")


def tampered(sql: Sql, tenant: UUID) -> UUID:
    """Alter the first entry of a tenant; return its id."""
    [row] = sql("select id from audit_entries where store_id = %s order by id limit 1", tenant)
    sql("update audit_entries set action = 'thing.never_done' where store_id = %s and id = %s", tenant, row["id"])
    found: UUID = row["id"]
    return found


def verified_over_http(store: StoreUnderTest) -> dict[str, Any]:
    opened = store.merchant.post("/audit/verifications")
    assert opened.status_code == 201, opened.text
    assert take(verify.verify, store.id)
    read: dict[str, Any] = store.merchant.get(f"/audit/verifications/{opened.json()['id']}").json()
    return read


def test_a_whole_trail_is_verified_over_http() -> None:
    store = a_store(stock={"TEA": 3})
    sealed(store.id)
    head_kept(store.id)

    read = verified_over_http(store)

    assert (read["status"], read["findings"], read["found"], read["failure"]) == ("succeeded", 0, [], None)
    assert (read["blocks"], read["heads"]) == (1, 1)
    assert read["entries"] > 2


def test_what_was_altered_is_named_over_http(sql: Sql) -> None:
    store = a_store()
    sealed(store.id)
    altered = tampered(sql, store.id)

    read = verified_over_http(store)
    [row] = store.merchant.get(f"/jobs/{read['id']}/findings").json()["data"]

    found = {"code": "entry_altered", "subject": ids.encode("audit", altered)}
    assert (read["status"], read["findings"]) == ("succeeded", 1)
    assert read["found"] == [{**found, "message": "The entry is not what block 1 sealed."}]
    assert (row["code"], row["column"], row["severity"]) == ("entry_altered", found["subject"], "error")


def test_only_who_may_verify_verifies_and_only_verifications_are_read_there() -> None:
    store = a_store()
    viewer = store.token("audit.view")
    opened = store.merchant.post("/exports", json={"format": "shopify_csv"}).json()["id"]

    assert viewer.post("/audit/verifications").status_code == 403
    assert store.merchant.get(f"/audit/verifications/{opened}").status_code == 404


def test_a_verification_goes_on_where_its_worker_was_lost(sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verification, "BLOCKS", 1)
    store = a_store()
    sealed(store.id)
    altered = tampered(sql, store.id)
    sealed(store.id, 1, 1)
    opened = store.merchant.post("/audit/verifications").json()["id"]
    with database.transaction(store.id) as session:
        claim = working.claim_next(session, checking.KIND)
    assert claim is not None
    ending = driving.drive(claim, checking.batches, checking.apply, period=timedelta(0))
    with database.transaction(store.id) as session:
        driving.settle(claim, ending, session)

    assert take(verify.verify, store.id)

    read = store.merchant.get(f"/audit/verifications/{opened}").json()
    assert (read["status"], read["blocks"], read["findings"]) == ("succeeded", 3, 1)
    assert read["found"][0]["subject"] == ids.encode("audit", altered)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_the_pages_size_changes_nothing(size: int, sql: Sql, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = a_tenant()
    sealed(tenant, 2, 3, 1)
    head_kept(tenant)
    sealed(tenant, 1)
    head_kept(tenant)
    tampered(sql, tenant)
    for name in ("BLOCKS", "ENTRIES", "HEADS"):
        monkeypatch.setattr(verification, name, size)

    assert [code for code, _ in named(verified(tenant))] == ["entry_altered"]


def test_a_checkpoint_is_plain_and_read_back_the_same() -> None:
    checkpoint = Checkpoint(verification.Pass.HEADS, 7, b"\x01" * 32, "heads/x/000000000007.json")

    assert Checkpoint.read(checkpoint.told()) == checkpoint
    assert Checkpoint.read({}) == Checkpoint()


def test_what_is_changed_and_sealed_while_a_verification_runs_is_no_finding() -> None:
    tenant = a_tenant()
    sealed(tenant, 2)
    found: list[Finding] = []

    for page in Verification(tenant, keys=sealing_keys(), vault=vault()).pages(Checkpoint()):
        found += page.findings
        change(tenant)
        sealed(tenant, 1)
        head_kept(tenant)

    assert named(found) == []


def test_what_was_removed_before_it_was_sealed_is_missed(sql: Sql) -> None:
    tenant = a_tenant()
    change(tenant)
    [gone] = sql("delete from audit_entries where store_id = %s returning id", tenant)

    assert named(verified(tenant)) == [("entry_missing", ids.encode("audit", gone["id"]))]


def test_a_head_is_kept_once_for_each_head_there_was() -> None:
    tenant = a_tenant()
    sealed(tenant, 1)
    head_kept(tenant)
    head_kept(tenant)
    sealed(tenant, 1, 1)
    head_kept(tenant)

    keys = list(vault().keys(heads.folder(tenant)))

    assert [key.rpartition("/")[2] for key in keys] == ["000000000001.json", "000000000003.json"]


def test_every_chain_is_sent_to_have_its_head_kept(monkeypatch: pytest.MonkeyPatch, sql: Sql) -> None:
    monkeypatch.setattr(sweep_heads, "TENANTS_A_PAGE", 2)
    ours = [a_tenant() for _ in range(3)]
    for tenant in ours:
        sealed(tenant, 1)

    with queues_noted() as sent:
        sweep_heads.handler(events.schedule_event("audit-sweep-heads"), None)

    with_chain = {row["store_id"] for row in sql("select distinct store_id from audit_blocks")}
    assert set(ours) <= with_chain
    assert sorted(sent) == sorted((heads.QUEUE, tenant) for tenant in with_chain)


def test_a_chain_that_was_cut_off_and_grew_again_is_told_from_the_one_before(sql: Sql) -> None:
    tenant = a_tenant()
    sealed(tenant, 1, 2)
    head_kept(tenant)
    for table, condition in (("audit_entries", "id = any (select unnest(entry_ids) from b)"), ("audit_blocks", "true")):
        sql(
            f"with b as (select * from audit_blocks where store_id = %s and number = 2) "
            f"delete from {table} where store_id = %s and {condition}"
            + (" and number = 2" if table == "audit_blocks" else ""),
            tenant,
            tenant,
        )
    sealed(tenant, 1)

    assert named(verified(tenant)) == [("block_altered", "block 2")]
    with database.transaction(tenant) as session:
        head = heads.present(session)
    assert head is not None
    with pytest.raises(HeadDiffers):
        heads.keep(head, sealing_keys(), vault())
    assert not take(keep_head.keep_head, tenant)


def test_a_head_that_our_key_did_not_sign_is_named(state: Path) -> None:
    tenant = a_tenant()
    sealed(tenant, 1)
    head_kept(tenant)
    [file] = (state / "objects" / "audit" / "heads" / str(tenant)).glob("*.json")
    file.chmod(0o600)
    file.write_bytes(file.read_bytes().replace(b'"number": 1', b'"number": 9'))

    assert named(verified(tenant)) == [("head_altered", f"heads/{tenant}/000000000001.json")]


def test_the_command_names_what_was_altered_and_ends_with_one(sql: Sql, environment: dict[str, str]) -> None:
    whole, broken = a_tenant(), a_tenant()
    sealed(whole, 2)
    sealed(broken, 2)
    altered = tampered(sql, broken)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "shared.audit", "verify", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    one = run("--tenant", ids.encode("store", whole))
    every = run("--all")
    none = run("--tenant", "no-such")

    assert (one.returncode, every.returncode, none.returncode) == (0, 1, 2)
    assert f"{whole}: 1 blocks, 2 entries, 0 heads, 0 archives: whole\n1 trails, 0 findings\n" == one.stdout
    assert f"{broken}: entry_altered: {ids.encode('audit', altered)}: " in every.stdout
    assert f"{whole}: 1 blocks, 2 entries, 0 heads, 0 archives: whole" in every.stdout
