"""Watching and canceling jobs over HTTP, and finding those that nobody works on."""

import csv
import io
import json
from datetime import timedelta
from uuid import UUID

import pytest

from functions.jobs import dispatch, dispatch_due, sweep
from infra.local import events
from shared.core import clock, ids, queues, topology
from shared.imports import kinds
from shared.jobs import dispatching, findings, opening
from shared.jobs.driving import Way
from shared.jobs.findings import Finding
from shared.jobs.models import Severity
from tests.application import Watch
from tests.database import Sql
from tests.factories import StoreUnderTest, a_store
from tests.jobs.work import BATCHES, KIND, a_job, claimed, drive, job_of, later, settle, taken

pytestmark = pytest.mark.usefixtures("watch")


def test_a_job_tells_how_far_it_is_and_how_it_ended() -> None:
    store = a_store()
    job_id = wire(a_job(store).id)
    waiting = store.merchant.get(f"/jobs/{job_id}").json()
    settle(store, drive(taken(store), period=timedelta(0)))

    begun = store.merchant.get(f"/jobs/{job_id}").json()
    settle(store, drive(taken(store)))
    done = store.merchant.get(f"/jobs/{job_id}").json()

    assert (waiting["status"], waiting["progress"]["percent"], waiting["started_at"]) == ("queued", None, None)
    assert (begun["progress"]["done"], begun["progress"]["total"], begun["progress"]["percent"]) == (1, 5, 20)
    assert (done["status"], done["counts"], done["progress"]["percent"]) == ("succeeded", {"rows": 50}, 100)
    assert (done["failure"], done["dry_run"], done["download_url"]) == (None, False, None)
    assert done["findings"] == f"/api/v1/jobs/{job_id}/findings"


def test_jobs_are_listed_the_newest_first_by_kind_and_status() -> None:
    store = a_store()
    first, second, other = a_job(store), a_job(store), a_job(store, kind="other_work")
    store.merchant.post(f"/jobs/{wire(first.id)}/cancel")

    assert listed(store, "") == [wire(other.id), wire(second.id), wire(first.id)]
    assert listed(store, f"?kind={KIND}") == [wire(second.id), wire(first.id)]
    assert listed(store, "?status=canceled") == [wire(first.id)]
    assert listed(store, "?status[in]=queued,running&limit=1") == [wire(other.id)]


def test_who_may_not_manage_integrations_sees_no_jobs() -> None:
    store = a_store()
    a_job(store)

    assert store.token("product.read").get("/jobs").status_code == 403


def test_a_job_that_waits_is_canceled_at_once_and_only_once(sql: Sql) -> None:
    store = a_store()
    job = a_job(store)

    first = store.merchant.post(f"/jobs/{wire(job.id)}/cancel")
    second = store.merchant.post(f"/jobs/{wire(job.id)}/cancel")

    assert (first.json()["status"], second.json()["status"]) == ("canceled", "canceled")
    assert claimed(store) is None
    assert len(sql("select 1 from domain_events where entity_id = %s and type = 'job.finished'", job.id)) == 1


def test_a_job_that_runs_ends_after_the_batch_in_hand() -> None:
    store = a_store()
    job = a_job(store)
    claim = taken(store)

    asked = store.merchant.post(f"/jobs/{wire(job.id)}/cancel").json()
    ending = drive(claim)
    settle(store, ending)

    assert (asked["status"], asked["cancel_wanted"]) == ("running", True)
    assert ending.way is Way.CANCELED
    assert (job_of(store, job).status, job_of(store, job).counts) == ("canceled", {"rows": 10})


def test_a_job_whose_worker_died_after_it_was_to_be_canceled_is_canceled_by_the_next() -> None:
    store = a_store()
    job = a_job(store)
    taken(store)
    store.merchant.post(f"/jobs/{wire(job.id)}/cancel")
    with later(minutes=2):
        assert claimed(store) is None

    assert job_of(store, job).status == "canceled"


def test_what_is_over_cannot_be_canceled() -> None:
    store = a_store()
    job = a_job(store)
    settle(store, drive(taken(store)))

    refused = store.merchant.post(f"/jobs/{wire(job.id)}/cancel")

    assert (refused.status_code, refused.json()["code"]) == (409, "transition_not_allowed")


def test_a_store_has_a_bounded_number_of_open_jobs() -> None:
    store = a_store()
    for _ in range(opening.MOST_OPEN):
        a_job(store)

    with pytest.raises(opening.TooManyJobs):
        a_job(store)
    store.merchant.post(f"/jobs/{listed(store, '?limit=1')[0]}/cancel")
    a_job(store)


def test_findings_are_listed_page_by_page_and_downloaded_whole() -> None:
    store = a_store()
    job = a_job(store)
    with store.session() as session:
        kept = findings.record(
            session,
            job.id,
            [
                Finding(None, Severity.WARNING, "whole_file", "Of the whole."),
                Finding(2, Severity.ERROR, "no_number", '=1+1 "quoted", with comma', "Variant Price"),
                Finding(3, Severity.ERROR, "no_number", "Not this one either."),
                Finding(3, Severity.ERROR, "no_number", "Said twice: kept once."),
            ],
            kept_before=0,
        )
    path = f"/jobs/{wire(job.id)}/findings"

    first = store.merchant.get(f"{path}?limit=2").json()
    second = store.merchant.get(f"{path}?limit=2&cursor={first['page']['next_cursor']}").json()
    file = store.merchant.get(f"{path}.csv")

    assert kept == 3
    assert [one["line"] for one in first["data"] + second["data"]] == [None, 2, 3]
    assert [one["code"] for one in store.merchant.get(f"{path}?severity=warning").json()["data"]] == ["whole_file"]
    rows = list(csv.reader(io.StringIO(file.body.decode("utf-8-sig"))))
    assert rows[0] == ["Line", "Severity", "Code", "Column", "Message"]
    assert rows[2] == ["2", "error", "no_number", "Variant Price", '\'=1+1 "quoted", with comma']
    assert file.headers["content-type"].startswith("text/csv")


def test_of_more_findings_than_are_kept_the_first_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "MOST", 3)
    store = a_store()
    job = a_job(store)
    found = [Finding(line, Severity.ERROR, "bad", "Bad.") for line in range(1, 6)]
    with store.session() as session:
        first = findings.record(session, job.id, found[:2], kept_before=0)
        second = findings.record(session, job.id, found[2:], kept_before=first)
        third = findings.record(session, job.id, found[3:], kept_before=first + second)

    assert (first, second, third) == (2, 1, 0)


def test_a_queued_job_reaches_the_queue_of_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.append((queue, bodies)))
    store = a_store()
    payload = {"job_id": wire(ids.new_id()), "version": 1, "kind": "product_import"}
    event = {"id": str(ids.new_id()), "type": "job.queued", "payload": payload}
    body = json.dumps({"store_id": str(store.id), "event": event})

    answer = dispatch.handler(events.sqs_event("queued-jobs", [body]), events.context("dispatch"))

    assert answer == {"batchItemFailures": []}
    assert sent == [("product-import-jobs", [{"store_id": str(store.id)}])]


def test_the_sweep_finds_jobs_whose_message_or_worker_was_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, list[dict[str, str]]]] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.append((queue, bodies)))
    monkeypatch.setattr(sweep, "_MOST", 100_000)  # other tests' jobs wait, too
    lost, held, uploading, fresh = a_store(), a_store(), a_store(), a_store()
    a_job(lost)
    a_job(held)
    taken(held)
    a_job(uploading, awaiting_upload=True)

    with clock.frozen(clock.now() + opening.GRACE * 1.2):
        a_job(fresh)
        sweep.sweep()
    ours = {str(store.id) for store in (lost, held, uploading, fresh)}

    [(queue, found)] = sent
    assert queue == dispatching.QUEUE
    assert [body for body in found if body["store_id"] in ours] == [{"store_id": str(lost.id)}]


def test_operators_are_told_when_nobody_takes_jobs(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(queues, "send", lambda *_: None)
    a_job(a_store())
    told = "Jobs wait for workers that do not come."

    with clock.frozen(clock.now() + opening.GRACE + dispatching.STUCK_AFTER * 1.1):
        sweep.sweep()

    assert told in [record.message for record in caplog.records]


def test_due_jobs_reach_the_queues_of_their_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[str, list[dict[str, str]]]] = []
    monkeypatch.setattr(queues, "send", lambda queue, bodies: sent.append((queue, bodies)))
    store = a_store()
    a_job(store), a_job(store), a_job(store, kind="other_work")
    message = {"store_id": str(store.id)}
    event = events.sqs_event(dispatching.QUEUE, [json.dumps(message)])

    early = dispatch_due.handler(event, events.context("dispatch_due"))
    with later(minutes=2):
        late = dispatch_due.handler(event, events.context("dispatch_due"))

    assert early == late == {"batchItemFailures": []}
    assert sent == [("other-work-jobs", [message]), ("test-work-jobs", [message])]


def test_every_kind_of_job_has_its_consumer() -> None:
    ours = {kinds.IMPORT, kinds.EXPORT}

    assert {dispatching.queue_of(kind) for kind in ours} <= {one.queue for one in topology.load().consumers}


def test_a_job_that_nobody_took_for_minutes_is_told_to_be_stuck() -> None:
    store = a_store()
    job_id = wire(a_job(store).id)
    with later(minutes=10):
        stuck = store.merchant.get(f"/jobs/{job_id}").json()["stuck"]

    assert (store.merchant.get(f"/jobs/{job_id}").json()["stuck"], stuck) == (False, True)


def test_a_batch_costs_one_statement_of_bookkeeping(watch: Watch) -> None:
    store = a_store()
    a_job(store)
    claim = taken(store)
    mark = len(watch.statements)

    drive(claim)

    assert len(watch.on_stores_tables_since(mark)) == BATCHES


def wire(job_id: UUID) -> str:
    return ids.encode("job", job_id)


def listed(store: StoreUnderTest, query: str) -> list[str]:
    return [job["id"] for job in store.merchant.get(f"/jobs{query}").json()["data"]]
