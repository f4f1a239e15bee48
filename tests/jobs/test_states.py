"""The life of a job, which code and database hold alike."""

import pytest

from shared.core.states import TransitionNotAllowed
from shared.jobs.states import JOB
from tests.database import Database
from tests.factories import a_store
from tests.jobs.work import a_job
from tests.orders.state_walks import Walk, declared, refused_by_code

pytestmark = pytest.mark.usefixtures("application")

CHECKS = ("jobs_due_while_open", "jobs_finished_has_a_time")


def test_code_and_database_know_the_same_steps(database: Database) -> None:
    walk = Walk(database, "jobs", "status", a_job(a_store()).id, checks=CHECKS, fresh={"kind": "'test_work'"})

    assert walk.steps(JOB) == declared(JOB)
    assert walk.beginnings(JOB) == JOB.initial


def test_code_refuses_every_other_step_and_says_what_is_possible() -> None:
    for before, after in refused_by_code(JOB):
        with pytest.raises(TransitionNotAllowed):
            JOB.require(before, after)
