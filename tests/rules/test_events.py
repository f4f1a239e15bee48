"""Every domain event has a schema and an example that fits, and says nothing about a person."""

import json
from pathlib import Path
from typing import ClassVar, Self
from uuid import UUID

import pytest

from infra import contracts
from shared.core.outbox import DomainEvent
from tests.rules import event_rules as rules
from tests.rules.sources import ROOT


class CrateDropped(DomainEvent):
    """A crate fell; an event of these tests alone."""

    type: ClassVar[str] = "crate.dropped"
    entity: ClassVar[str] = "crate"

    crate_id: UUID
    pieces: int

    def subject(self) -> tuple[UUID, int]:
        return self.crate_id, 1

    @classmethod
    def example(cls) -> Self:
        return cls(crate_id=UUID(int=1), pieces=3)


class CrateSent(CrateDropped):
    """A crate left, and tells of somebody."""

    type: ClassVar[str] = "crate.sent"

    recipient_name: str = ""
    contact_email: str = ""


@pytest.fixture
def committed(tmp_path: Path) -> Path:
    """Make a folder with the right file of `CrateDropped`."""
    described = {
        "schema": CrateDropped.model_json_schema(mode="serialization"),
        "example": CrateDropped.example().model_dump(mode="json"),
    }
    (tmp_path / "crate.dropped.json").write_text(json.dumps(described))
    return tmp_path


def rewrite(folder: Path, **parts: object) -> None:
    path = folder / "crate.dropped.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | parts))


def test_every_event_has_a_schema_and_an_example_that_fits() -> None:
    kinds = contracts.event_kinds()

    offences = rules.ill_described(kinds, ROOT / "events")

    assert len(kinds) > 0
    assert not offences, "\n".join(offences)


def test_a_well_described_event_passes_the_rules(committed: Path) -> None:
    assert rules.ill_described([CrateDropped], committed) == []
    assert rules.about_people([CrateDropped]) == []


def test_an_event_without_a_schema_is_found(tmp_path: Path) -> None:
    offences = rules.ill_described([CrateDropped], tmp_path)

    assert offences == ["crate.dropped: events/crate.dropped.json is missing. Run `make contracts`."]


def test_an_example_that_does_not_fit_is_found(committed: Path) -> None:
    rewrite(committed, example={"crate_id": "00000000-0000-0000-0000-000000000001", "pieces": "three"})

    offences = rules.ill_described([CrateDropped], committed)

    assert len(offences) == 1
    assert "example does not fit its schema: 'three' is not of type 'integer'" in offences[0]


def test_a_schema_that_is_none_is_found(committed: Path) -> None:
    rewrite(committed, schema={"type": "wish"})

    offences = rules.ill_described([CrateDropped], committed)

    assert len(offences) == 1
    assert offences[0].startswith("crate.dropped: its schema is none:")


def test_no_event_tells_of_a_person() -> None:
    offences = rules.about_people(contracts.event_kinds())

    assert not offences, "\n".join(offences)


def test_an_event_that_tells_of_a_person_is_found() -> None:
    offences = rules.about_people([CrateSent])

    assert [offence.split("'")[1] for offence in offences] == ["contact_email", "recipient_name"]


def test_the_generated_contracts_are_the_committed_ones() -> None:
    assert contracts.stale() == [], "The code has changed: run `make contracts`, and read the diff."


def test_a_stale_a_missing_and_an_orphaned_contract_are_found(tmp_path: Path) -> None:
    contracts.write(tmp_path)
    (tmp_path / contracts.TOPOLOGY).write_text("{}\n")
    (tmp_path / contracts.OPENAPI).unlink()
    (tmp_path / contracts.EVENTS / "crate.dropped.json").write_text("{}\n")

    assert contracts.stale(tmp_path) == sorted(
        [contracts.TOPOLOGY, contracts.OPENAPI, f"{contracts.EVENTS}/crate.dropped.json"]
    )
