"""Originals on paper: recorded by whoever performs in the unit, again and again, before and after the seal."""

from __future__ import annotations

from typing import Any

import pytest

from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.event import build_event
from archive_service.domain.statement import equipment_of, plain_paper
from tests.domain.story import Story, actor_of, make_id, shipped_sop

NOWHERE: dict[str, Any] = {"room": None, "shelf": None, "box": None, "folder": None}
PLACE = {"room": "Arsip", "shelf": "2", "box": "7", "folder": "Triwulan I"}


@pytest.fixture
def story() -> Story:
    told = Story()
    told.play("2")
    return told


def paper(story: Story, **facts: Any) -> dict[str, Any]:
    return {"document": story.dossier.versions[0].document, "exists": True, **PLACE, **facts}


def test_the_newest_record_counts(story: Story) -> None:
    story.tell("document.paper_recorded", actor_of("data_officer"), paper(story))
    story.tell("document.paper_recorded", actor_of("section_head"), paper(story, box="8"))
    ((document, found),) = story.dossier.papers.items()
    assert document == story.dossier.versions[0].document
    assert (found.box, found.folder, found.event_hash) == ("8", "Triwulan I", story.events[-1].leaf_hash)
    story.tell("document.paper_recorded", actor_of("data_officer"), paper(story, exists=False, **NOWHERE))
    assert not story.dossier.papers[document].exists


def test_a_place_without_a_paper_is_no_legal_move(story: Story) -> None:
    with pytest.raises(IllegalEvent) as caught:
        story.tell("document.paper_recorded", actor_of("data_officer"), paper(story, exists=False))
    assert caught.value.code == "paper_place_of_nothing"


@pytest.mark.parametrize(
    ("role", "facts", "code"),
    [
        ("data_officer", {"document": make_id(5)}, "document_unknown"),
        ("contributor", {}, "role_forbidden"),
        ("auditor", {}, "role_forbidden"),
    ],
)
def test_others_and_for_other_documents_it_is_no_legal_move(
    story: Story, role: str, facts: dict[str, Any], code: str
) -> None:
    with pytest.raises(IllegalEvent) as caught:
        story.tell("document.paper_recorded", actor_of(role), paper(story, **facts))
    assert caught.value.code == code


def test_after_the_seal_it_is_recorded_in_the_stream_that_follows() -> None:
    story = Story()
    story.play("11")
    story.seal()
    payload = paper(story)
    event = build_event(
        origin="archive.test/log",
        id=story.make_id(),
        stream=f"after:{story.id}",
        seq=0,
        prev="0" * 64,
        type="document.paper_recorded",
        actor=actor_of("data_officer"),
        at=story.at(),
        payload=payload,
    )
    story.dossier.apply_after(event)
    assert story.dossier.latest == event.leaf_hash
    found = plain_paper(story.dossier.papers[payload["document"]])
    assert {name: found[name] for name in PLACE} == PLACE


def test_equipment_that_is_no_document_is_not_checked_and_says_so() -> None:
    story = Story()
    story.play("5")
    found = {item["text"]: item for item in equipment_of(story.dossier)}
    assert [item["state"] for item in found.values()] == [
        *("present", "present", "present", "missing", "not_checked", "present"),
    ]
    assert found["Aplikasi pelaporan"]["steps"] == found["Aplikasi pelaporan"]["digests"] == []
    assert found["Disposisi pimpinan"]["steps"] == ["2"]
    assert found["Disposisi pimpinan"]["digests"] == [v.digest for v in story.dossier.versions if v.step == "2"]
    assert [item.text for item in shipped_sop().equipment] == list(found)


def test_equipment_of_a_step_that_was_skipped_does_not_apply(story: Story) -> None:
    story.dossier.skipped.add("5")
    assert equipment_of(story.dossier)[3]["state"] == "not_applicable"
