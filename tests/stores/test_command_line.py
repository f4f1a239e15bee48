"""Opening a store on the command line, over HTTP, as an operator."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import migrations.operators
from infra import stores
from infra.local import operators
from infra.local import state as states
from infra.local.gateway import Gateway
from infra.local.system import Web
from shared.core import credentials, ids, topology
from tests.client import Client
from tests.database import Database, Sql

pytestmark = pytest.mark.usefixtures("watch")


@pytest.fixture
def platform(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the API as the local system does, known by its state folder; return its address."""
    web = Web(0)
    gateway = Gateway(topology.load().endpoints)
    web.start(gateway)
    states.write(tmp_path / "dev.json", {"base_url": web.base_url, "pid": 0, "stores": []})
    migrations.operators.ensure_operator(database.owner_url, operators.token(tmp_path))
    monkeypatch.setenv(states.FOLDER, str(tmp_path))
    monkeypatch.delenv(stores.TOKEN, raising=False)
    yield web.base_url
    web.drain()
    gateway.close()
    web.close()


def opening(slug: str, *more: str) -> int:
    """Run the command that opens a store of that slug."""
    return stores.main(["open", "--slug", slug, "--name", "Rupali", "--owner-email", "owner@rupali.test", *more])


@pytest.mark.usefixtures("platform")
def test_an_operator_opens_a_store_on_this_machine_and_its_keys_work(capsys: pytest.CaptureFixture[str]) -> None:
    slug = f"cli-{ids.new_id().hex[-12:]}"

    code = opening(slug, "--json")

    opened = json.loads(capsys.readouterr().out)
    shop = Client({"X-Publishable-Key": opened["publishable_key"]}).get("/storefront/store")
    own = Client({"Authorization": f"Bearer {opened['secret_token']}"}).get("/store")
    assert (code, shop.json()["slug"], own.json()["id"]) == (0, slug, opened["store"]["id"])


@pytest.mark.usefixtures("platform")
def test_people_are_shown_the_keys_and_that_it_is_the_only_time(capsys: pytest.CaptureFixture[str]) -> None:
    slug = f"cli-{ids.new_id().hex[-12:]}"

    code = opening(slug)

    shown = capsys.readouterr().out
    assert code == 0
    assert f"Store {slug} is open (store_" in shown
    assert all(prefix in shown for prefix in (" pk_", " sk_"))
    assert "shown this once" in shown


@pytest.mark.usefixtures("platform")
def test_a_slug_that_is_taken_is_refused_in_the_platforms_words(capsys: pytest.CaptureFixture[str], sql: Sql) -> None:
    slug = f"cli-{ids.new_id().hex[-12:]}"
    opening(slug)
    capsys.readouterr()

    code = opening(slug)

    told = capsys.readouterr()
    assert (code, told.out) == (1, "")
    assert told.err == f"The slug {slug} belongs to another store; choose another. (409 store_slug_taken)\n"
    assert len(sql("select id from stores where slug = %s", slug)) == 1


@pytest.mark.usefixtures("platform")
def test_fields_that_are_wrong_are_named_one_by_one(capsys: pytest.CaptureFixture[str]) -> None:
    code = stores.main(["open", "--slug", "Not A Slug", "--name", "", "--owner-email", "nobody"])

    told = capsys.readouterr().err.splitlines()
    assert code == 1
    assert "(422 validation_failed)" in told[0]
    assert {line.strip().partition(":")[0] for line in told[1:]} == {"/slug", "/name", "/owner_email"}


def test_the_variables_token_is_the_one_that_is_sent(
    platform: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(stores.TOKEN, credentials.generate(credentials.PLATFORM))

    codes = [opening("never", "--base-url", platform), opening("never")]

    assert codes == [1, 1]
    assert capsys.readouterr().err.count("401 unauthenticated") == 2


def test_the_local_operators_token_goes_to_the_local_system_alone(
    platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = opening("never", "--base-url", platform)

    assert code == 1
    assert stores.TOKEN in capsys.readouterr().err


@pytest.mark.parametrize("address", ["http://shops.example", "http://127.0.0.1.shops.example", "ftp://localhost"])
def test_a_token_is_never_sent_in_clear_beyond_this_machine(
    address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(stores.TOKEN, credentials.generate(credentials.PLATFORM))

    code = opening("never", "--base-url", address)

    assert (code, "https:// only" in capsys.readouterr().err) == (1, True)


def test_where_nothing_runs_one_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(states.FOLDER, str(tmp_path))

    code = opening("never")

    told = capsys.readouterr().err
    assert (code, "make dev" in told, "--base-url" in told, told.count("\n")) == (1, True, True, 1)


def test_a_platform_that_does_not_answer_is_said_so(
    platform: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    web = Web(0)
    web.close()
    states.write(tmp_path / "dev.json", {"base_url": web.base_url, "pid": 0, "stores": []})

    code = opening("never")

    told = capsys.readouterr().err
    assert web.base_url != platform
    assert (code, f"{web.base_url} did not answer" in told) == (1, True)


def test_an_operator_is_let_in_once_and_only_as_a_digest(database: Database, sql: Sql) -> None:
    token = credentials.generate(credentials.PLATFORM)

    for _ in range(2):
        migrations.operators.ensure_operator(database.owner_url, token)

    rows = sql("select scopes, revoked_at from platform_tokens where digest = %s", credentials.digest(token))
    assert rows == [{"scopes": ["admin.superuser"], "revoked_at": None}]


def test_what_is_no_operators_token_is_not_let_in(database: Database) -> None:
    with pytest.raises(ValueError, match="op_"):
        migrations.operators.ensure_operator(database.owner_url, credentials.generate(credentials.SECRET))


def test_the_local_operators_token_is_made_once_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = operators.present_token(tmp_path)
    first, second = operators.token(tmp_path), operators.token(tmp_path)

    assert before is None
    assert first == second == operators.present_token(tmp_path)
    assert credentials.is_well_formed(credentials.PLATFORM, first)
    assert (tmp_path / "operator.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.usefixtures("platform")
def test_an_operator_has_a_stores_summaries_made_anew(capsys: pytest.CaptureFixture[str], sql: Sql) -> None:
    opening(f"cli-{ids.new_id().hex[-12:]}", "--json")
    store_id = json.loads(capsys.readouterr().out)["store"]["id"]

    code = stores.main(["rebuild", "--store", store_id])
    unknown = stores.main(["rebuild", "--store", ids.encode("store", ids.new_id())])

    told = capsys.readouterr()
    asked = sql(
        "select actor_kind from domain_events where store_id = %s and type = 'summaries.rebuild_requested'",
        ids.decode("store", store_id),
    )
    assert (code, unknown, len(asked)) == (0, 1, 1)
    assert told.out == "Under way; 0 products were shown when it began.\n"
    assert "not_found" in told.err
