"""Calls of jobs, imports and exports."""

from tests.imports import files
from tests.tenancy.calls import Call
from tests.tenancy.routes.registry import calls, simple
from tests.tenancy.world import Ref, World

simple("jobs-list-jobs", lambda _: Call())
simple("jobs-get-job", lambda world: Call(path={"job_id": an_import(world)}))
simple("jobs-list-findings", lambda world: Call(path={"job_id": an_import(world)}))
simple("jobs-download-findings", lambda world: Call(path={"job_id": an_import(world)}))
simple("jobs-cancel-job", lambda world: Call(path={"job_id": an_open_import(world)}))
simple("imports-open-import", lambda world: Call(json={"format": "shopify_csv", "file_name": f"{world.word}.csv"}))
simple("imports-start-import", lambda world: Call(path={"job_id": an_open_import(world)}))


@calls("imports-open-export")
def of_everything(world: World) -> Call:
    cancel_all(world)
    return Call(json={"format": "shopify_csv"})


@calls("jobs-list-jobs")
def jobs_from_a_cursor_on(world: World) -> Call:
    an_import(world), an_import(world)
    page = world.made(world.store.merchant.get("/jobs", params={"limit": 1}))["page"]
    return Call(query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True)


@calls("jobs-list-findings")
def findings_from_a_cursor_on(world: World) -> Call:
    job_id = an_import(world)
    page = world.made(world.store.merchant.get(f"/jobs/{job_id}/findings", params={"limit": 1}))["page"]
    return Call(path={"job_id": job_id}, query={"limit": "1", "cursor": Ref(page["next_cursor"])}, narrows=True)


def an_import(world: World) -> str:
    """Import a file with two products that are taken for no amount of money; return the job's id."""
    cancel_all(world)
    rows = [files.product(f"tea-{world.new_name()}", Variant_Price=world.word) for _ in range(2)]
    return files.imported(world.store, files.written(rows)).job_id


def an_open_import(world: World) -> str:
    """Open an import of an empty file; return the job's id."""
    cancel_all(world)
    return files.opened(world.store, b"").job_id


def cancel_all(world: World) -> None:
    """Cancel whatever is open, so that a store never has too many."""
    status = "awaiting_upload,queued,running"
    for job in world.made(world.store.merchant.get(f"/jobs?status[in]={status}&limit=100"))["data"]:
        world.store.merchant.post(f"/jobs/{job['id']}/cancel")
