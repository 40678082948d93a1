"""A performer attests qualifications and the first warning once for each assignment; who has not, shows."""

from __future__ import annotations

import pytest

from archive_service.db.paging import PageRequest
from archive_service.domain.attestation import attested_text
from archive_service.errors import Conflict, Forbidden, NotFound
from archive_service.services import attestations, audit
from tests.office import Office

SOP = "sop-spmi-601"


@pytest.fixture
def database_kind() -> str:
    """Rows of one stream: the same on both databases."""
    return "sqlite"


def test_a_performer_attests_once_and_again_for_another_text_alone(office: Office) -> None:
    bima = office.actor("bima")
    (due,) = attestations.list_due(office.archive, bima)
    with office.archive.db.read() as session:
        sop = office.archive.catalog.sop(session, due["digest"])
    assert tuple(due["text"]) == (*sop.qualifications, sop.warnings[0]) == attested_text(sop)
    attestations.attest(office.archive, bima, assignment=due["assignment"], sop=SOP)
    assert attestations.list_due(office.archive, bima) == []
    with pytest.raises(Conflict) as twice:
        attestations.attest(office.archive, bima, assignment=due["assignment"], sop=SOP)
    assert twice.value.code == "attested_already"
    office.register("sops/sop-spmi-601.toml", version=2)
    assert attestations.list_due(office.archive, bima) == []
    office.register("sops/sop-spmi-601.toml", version=3, qualifications=["Memahami SAKIP."])
    assert [d["text"][0] for d in attestations.list_due(office.archive, bima)] == ["Memahami SAKIP."]
    attestations.attest(office.archive, bima, assignment=due["assignment"], sop=SOP)
    assert audit.check_archive(office.archive).discrepancies == []


def test_only_ones_own_assignment_of_a_performing_role_is_attested(office: Office) -> None:
    bima, sari = office.actor("bima"), office.actor("sari")
    theirs = sari.assignments[0].id
    with pytest.raises(NotFound):
        attestations.attest(office.archive, bima, assignment=theirs, sop=SOP)
    wahyu = office.actor("wahyu")
    with pytest.raises(Forbidden):
        attestations.attest(office.archive, wahyu, assignment=wahyu.assignments[0].id, sop=SOP)
    assert attestations.list_due(office.archive, wahyu) == []
    office.register("sops/sop-spmi-601.toml", key="sop-lain", number="SOP-LAIN-1", version=1)
    own = bima.assignments[0].id
    attestations.attest(office.archive, bima, assignment=own, sop=SOP)
    # the same text in another procedure is the same attestation
    assert attestations.list_due(office.archive, bima) == []


def test_auditors_and_quality_checkers_see_who_has_not(office: Office) -> None:
    bima = office.actor("bima")
    attestations.attest(office.archive, bima, assignment=bima.assignments[0].id, sop=SOP)
    for login in ("wahyu", "nuraini"):
        found = attestations.page_attestations(office.archive, office.actor(login), page=PageRequest()).rows
        assert {row["person_name"] for row in found if row["sops"][0]["attested_at"]} == {"Bima"}
        assert len(found) == 6
    own = attestations.page_attestations(office.archive, bima, page=PageRequest()).rows
    assert [row["person"] for row in own] == [bima.person]
    with pytest.raises(Forbidden):
        attestations.page_attestations(office.archive, bima, page=PageRequest(), person=office.persons["sari"])
