"""Working on jobs: leases, checkpoints, workers that die, stumble or are only slow."""

from datetime import timedelta
from typing import Any, Never

import pytest
from sqlalchemy.exc import OperationalError

from shared.core import clock
from shared.jobs import opening, working
from shared.jobs.driving import Hopeless, Way
from shared.jobs.working import LeaseLost, Progress
from tests.database import Sql
from tests.factories import a_store
from tests.jobs.work import BATCHES, a_job, claimed, count, drive, job_of, later, settle, taken

pytestmark = pytest.mark.usefixtures("watch")


def test_a_job_is_worked_on_batch_by_batch_to_its_end(sql: Sql) -> None:
    store = a_store()
    job = a_job(store)

    settle(store, drive(taken(store)))

    done = job_of(store, job)
    assert (done.status, done.counts, done.done, done.total) == ("succeeded", {"rows": 50}, BATCHES, BATCHES)
    assert (done.due_at, done.attempts, done.finished_at is not None) == (None, 0, True)
    told = sql("select type from domain_events where entity_id = %s order by entity_version", job.id)
    assert [event["type"] for event in told] == ["job.queued", "job.finished"]
    entries = sql("select action from audit_entries where entity_id = %s order by id", job.id)
    assert [entry["action"] for entry in entries] == ["job.opened", "job.succeeded"]


def test_a_job_in_somebodys_hands_is_nobody_elses_until_the_lease_is_over() -> None:
    store = a_store()
    a_job(store)
    first = taken(store)

    meanwhile = claimed(store)
    with later(seconds=working.LEASE.total_seconds() + 1):
        second = taken(store)

    assert meanwhile is None
    assert (first.number, second.number) == (1, 2)


def test_a_worker_that_comes_back_after_its_lease_changes_nothing() -> None:
    store = a_store()
    job = a_job(store)
    slow = taken(store)
    with later(minutes=5):
        taken(store)

        ending = drive(slow)
        settle(store, ending)

    assert ending.way is Way.LOST
    assert (job_of(store, job).status, job_of(store, job).counts) == ("running", {})
    with pytest.raises(LeaseLost), store.session() as session:
        working.advance(session, slow, Progress({}, {"rows": 1}, done=1))


def test_settling_after_the_lease_changes_nothing() -> None:
    store = a_store()
    job = a_job(store)
    ending = drive(taken(store))
    with later(minutes=5):
        taken(store)

        settle(store, ending)

    assert job_of(store, job).status == "running"


def test_each_advance_renews_the_lease() -> None:
    store = a_store()
    a_job(store)
    claim = taken(store)
    with later(seconds=80):
        with store.session() as session:
            working.advance(session, claim, Progress({}, {}, done=1))
        with later(seconds=80):
            assert claimed(store) is None


def test_who_follows_a_dead_worker_goes_on_at_its_checkpoint() -> None:
    store = a_store()
    job = a_job(store)

    def dies_at_the_third(session: Any, claim: Any, number: int) -> Progress:
        if number == 2:
            raise KeyboardInterrupt
        return count(session, claim, number)

    with pytest.raises(KeyboardInterrupt):
        drive(taken(store), apply=dies_at_the_third)
    with later(minutes=2):
        second = taken(store)
        settle(store, drive(second))

    assert second.checkpoint == {"next": 2}
    assert job_of(store, job).counts == {"rows": 50}


def test_a_worker_whose_time_is_up_hands_over() -> None:
    store = a_store()
    job = a_job(store)
    workers = 0
    while job_of(store, job).status != "succeeded":
        settle(store, drive(taken(store), period=timedelta(0)))
        workers += 1

    assert workers == BATCHES + 1  # the last one finds nothing left
    assert job_of(store, job).counts == {"rows": 50}


def test_what_breaks_is_tried_again_with_growing_pauses_and_then_has_failed() -> None:
    store = a_store()
    job = a_job(store)
    pauses = []
    with clock.frozen(clock.now()) as present:
        for _ in range(working.ATTEMPTS):
            settle(store, drive(taken(store), apply=broken))
            due = job_of(store, job).due_at
            if due is not None:
                assert claimed(store) is None
                pauses.append((due - clock.now()).total_seconds())
                present.move_to(due)

    assert pauses == [15, 30, 60, 120]
    failed = job_of(store, job)
    assert failed.status == "failed"
    assert failed.failure is not None
    assert "went wrong on our side" in failed.failure


def test_a_bug_flies_to_the_log_and_its_worker_counts_as_lost() -> None:
    store = a_store()
    job = a_job(store)

    def is_a_bug(*_: object) -> Never:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        drive(taken(store), apply=is_a_bug)

    assert (job_of(store, job).status, claimed(store)) == ("running", None)
    with later(minutes=2):
        assert taken(store).number == 2


def test_a_job_whose_workers_die_at_the_same_place_again_and_again_has_failed() -> None:
    store = a_store()
    job = a_job(store)
    with clock.frozen(clock.now()) as present:
        for _ in range(working.ATTEMPTS):
            assert claimed(store) is not None
            present.tick(working.LEASE)
            present.tick(working.LEASE)

        assert claimed(store) is None

    assert job_of(store, job).status == "failed"


def test_what_got_further_may_be_tried_as_often_again() -> None:
    store = a_store()
    job = a_job(store)
    with clock.frozen(clock.now()) as present:
        for _ in range(3):
            taken(store)
            present.tick(working.LEASE)
            present.tick(working.LEASE)
        with store.session() as session:
            working.advance(session, taken(store), Progress({"next": 1}, {}, done=1))

    assert job_of(store, job).attempts == 0


def test_a_job_that_cannot_be_done_has_failed_at_once_with_the_reason() -> None:
    store = a_store()
    job = a_job(store)

    def hopeless(*_: object) -> Never:
        raise Hopeless("The file is gone.")

    settle(store, drive(taken(store), apply=hopeless))

    assert (job_of(store, job).status, job_of(store, job).failure) == ("failed", "The file is gone.")


def test_a_batch_that_breaks_leaves_nothing_of_itself(sql: Sql) -> None:
    store = a_store()
    job = a_job(store)

    def writes_and_breaks(session: Any, claim: Any, number: int) -> Progress:
        a_job_in(session)
        return broken(session, claim, number)

    settle(store, drive(taken(store), apply=writes_and_breaks))

    assert [row["id"] for row in sql("select id from jobs where store_id = %s", store.id)] == [job.id]


def test_the_longest_waiting_job_of_a_kind_is_next() -> None:
    store = a_store()
    first, other, second = a_job(store), a_job(store, kind="other_work"), a_job(store)

    order = [taken(store).job_id, taken(store).job_id, claimed(store), taken(store, "other_work").job_id]

    assert order == [first.id, second.id, None, other.id]


def test_an_upload_that_never_came_is_given_up_after_a_day() -> None:
    store = a_store()
    job = a_job(store, awaiting_upload=True)
    early = claimed(store)
    with later(hours=25):
        late = claimed(store)

    assert (early, late, job_of(store, job).status) == (None, None, "failed")


def a_job_in(session: Any) -> None:
    opening.open_job(session, "another", params={}, by=None)
    session.flush()


def broken(_session: Any, _claim: Any, _number: int) -> Never:
    raise OperationalError("insert", {}, OSError("the disk is full"))
