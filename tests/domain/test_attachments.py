"""Attachments of explanations: each a document of its own, that stays once its explanation is given."""

from __future__ import annotations

from typing import Any

import pytest

from archive_service.domain.deviation import IllegalEvent
from tests.domain.story import HASH, PERSONS, RULES, Story, actor_of, make_id

SENDER = PERSONS["sakip_team"]
COLLEAGUE = make_id(310)


@pytest.fixture
def story() -> Story:
    """A dossier whose fourth step is late, and still running."""
    told = Story()
    told.play("4")
    told.tell(
        "deviation.recorded",
        RULES,
        {
            "deviation": make_id(400),
            "code": "time_norm_passed",
            "step": "4",
            "iteration": 1,
            "subject": None,
            "role": "sakip_team",
            "responsible": SENDER,
            "evidence": [],
            "explain_by": None,
        },
    )
    return told


def attach(story: Story, **changes: Any) -> dict[str, Any]:
    """An attachment comes in; its payload."""
    document = changes.get("document") or story.make_id()
    payload = {
        "document": document,
        "version": story.make_id(),
        "number": len(story.dossier.versions_of(document)) + 1,
        "step": "4",
        "iteration": 1,
        "kind": "attachment",
        "digest": HASH,
        "crc32": "00000000",
        "size": 10,
        "media_type": "application/pdf",
        "puid": "fmt/18",
        "begun_at": story.at(),
        "file_name_commitment": HASH,
        "receipt": None,
        "deviation": make_id(400),
        "indicator": None,
        **changes,
    }
    story.tell("document.received", actor_of("sakip_team"), payload)
    return payload


def explain(story: Story) -> None:
    waiting = [v.event_hash for v in story.dossier.attachments_of(make_id(400))]
    facts = {"deviation": make_id(400), "number": 1, "explanation_commitment": HASH, "attachments": waiting}
    story.tell("deviation.explained", actor_of("sakip_team"), facts)


def withdraw(story: Story, sent: dict[str, Any], person: str) -> None:
    facts = {name: sent[name] for name in ("step", "document", "version")}
    story.tell("document.withdrawn", actor_of("sakip_team", person), {**facts, "reason_commitment": HASH})


def test_an_attachment_is_no_version_of_an_output(story: Story) -> None:
    output = story.dossier.versions[0]
    with pytest.raises(IllegalEvent) as caught:
        attach(story, document=output.document)
    assert caught.value.code == "attachment_elsewhere"
    assert [v.id for v in story.dossier.versions_of(output.document)] == [output.id]


def test_an_output_is_no_version_of_an_attachment(story: Story) -> None:
    sent = attach(story)
    with pytest.raises(IllegalEvent) as caught:
        story.receive("4", "measurement_data", actor_of("sakip_team"), sent["document"])
    assert caught.value.code == "document_elsewhere"


def test_who_sent_an_attachment_withdraws_it_until_it_is_explained(story: Story) -> None:
    wrong, right = attach(story), attach(story)
    with pytest.raises(IllegalEvent) as caught:
        withdraw(story, wrong, COLLEAGUE)
    assert caught.value.code == "attachment_stays"
    withdraw(story, wrong, SENDER)
    assert [v.id for v in story.dossier.attachments_of(make_id(400))] == [right["version"]]
    explain(story)
    for person in (SENDER, COLLEAGUE):
        with pytest.raises(IllegalEvent) as caught:
            withdraw(story, right, person)
        assert caught.value.code == "attachment_stays"
    assert [v.id for v in story.dossier.attachments_of(make_id(400))] == [right["version"]]
