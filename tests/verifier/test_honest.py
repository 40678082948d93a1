"""What an honest archive may write is VALID, in every turn that a procedure can take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from archive_service.domain import deviation
from archive_service.verifier.verify import REDACTED, UNCONFIRMED, VALID
from tests.bundling.dossier_builder import LOG_KEY, STAFF, Builder
from tests.verifier.forger import check


def verdict_of(builder: Builder) -> tuple[str, list[str]]:
    report = check(builder.bundle(), LOG_KEY)
    return report.verdict, [f"{d.code} {d.place} {d.text}" for d in report.discrepancies]


def unexplained(b: Builder) -> None:
    """A late step that nobody explains: the seal says so."""
    b.explain = lambda *_: None  # type: ignore[method-assign]
    b.play()


def swept(b: Builder) -> None:
    """The sweep sees a running step's norm pass; the later verdict adds nothing."""
    b.play_to_step_4()
    b.at("2026-04-14T10:00")
    b.sweep()
    b.submit("sari", "5")
    b.at("2026-04-14T12:00")
    b.submit("bima", "6")
    b.decide("sari", "7")
    b.decide("hendra", "8")
    b.decide("ratna", "9")
    b.submit("maya", "10")
    b.seal()


def swept_and_reassigned(b: Builder) -> None:
    """Whoever answered when the norm passed is named; the step was then handed over."""
    b.play_to_step_4()
    b.at("2026-04-14T10:00")
    b.reassign("sari", "5", "agus")
    b.sweep()
    b.reassign("agus", "5", "sari")
    b.play_from_step_5 = lambda: None  # type: ignore[method-assign]
    b.submit("sari", "5")
    b.at("2026-04-14T12:00")
    b.submit("bima", "6")
    b.decide("sari", "7")
    b.decide("hendra", "8")
    b.decide("ratna", "9")
    b.submit("maya", "10")
    b.explain("agus")
    b.seal()


def nobody_performs(b: Builder) -> None:
    """No one held a role when its steps became due."""
    b.without = frozenset(["planning_officer"])
    b.play()


def late_archiving(b: Builder) -> None:
    """The archive step itself is late: its deviation stands before the seal."""
    seal = b.seal

    def later() -> None:
        b.at("2026-04-20T15:10")
        seal()

    b.seal = later  # type: ignore[method-assign, assignment]
    b.play()


def withdrawn(b: Builder) -> None:
    """A version is withdrawn and replaced, another refused."""
    b.play_to_step_4()
    b.at("2026-04-10T13:00")
    version = b.upload("sari", "5", "meeting_decision")
    b.withdraw("sari", version)
    b.refuse("sari", "5")
    b.play_from_step_5()


def damaged_then_withdrawn(b: Builder) -> None:
    """A damaged version is a deviation, also when it is withdrawn afterwards."""
    b.play_to_step_4()
    b.at("2026-04-10T13:00")
    version = b.upload("sari", "5", "meeting_decision")
    known = b.dossier.find_version(version)
    assert known is not None
    b.check_fixity([known.digest])
    b.withdraw("sari", version)
    b.explain("sari", deviation.DOCUMENT_DAMAGED)
    b.play_from_step_5()


def damaged_then_sent_again(b: Builder) -> None:
    """The same bytes sent again after the damage are another version: no deviation of their own."""
    b.play_to_step_4()
    b.at("2026-04-10T13:00")
    version = b.upload("sari", "5", "meeting_decision", b"the minutes of the meeting")
    known = b.dossier.find_version(version)
    assert known is not None
    b.check_fixity([known.digest])
    b.upload("sari", "5", "meeting_decision", b"the minutes of the meeting", known.document)
    b.play_from_step_5()


def same_bytes_later(b: Builder) -> None:
    """Bytes that were found damaged come in again at a later step."""
    b.play_to_step_4()
    b.at("2026-04-10T13:00")
    version = b.upload("sari", "5", "meeting_decision", b"the same bytes")
    known = b.dossier.find_version(version)
    assert known is not None
    b.check_fixity([known.digest])
    b.withdraw("sari", version)
    b.submit("sari", "5")
    b.at("2026-04-10T14:30")
    b.upload("bima", "6", "formulation", b"the same bytes")
    b.tell("step.submitted", b.actor("bima"), b.facts("6"))
    b.start_due()
    b.judge()
    b.at("2026-04-10T15:00")
    for login, step in (("sari", "7"), ("hendra", "8"), ("ratna", "9")):
        b.decide(login, step)
    b.submit("maya", "10")
    b.seal()


def damage_in_a_verdict(b: Builder) -> None:
    """A verdict that found a document damaged records it."""
    b.play_to_step_4()
    b.at("2026-04-10T14:00")
    judge = b.judge
    b.judge = lambda *_: None  # type: ignore[method-assign]
    b.submit("sari", "5")
    b.judge = judge  # type: ignore[method-assign]
    version = b.dossier.current_versions("5", "meeting_decision")[0]
    b.judge([version.digest])
    b.at("2026-04-10T14:30")
    b.submit("bima", "6")
    for login, step in (("sari", "7"), ("hendra", "8"), ("ratna", "9")):
        b.decide(login, step)
    b.submit("maya", "10")
    b.seal()
    assert deviation.DOCUMENT_DAMAGED in {d.code for d in b.dossier.deviations}


def checked_intact(b: Builder) -> None:
    """A fixity check that found nothing."""
    b.play_to_step_4()
    b.check_fixity([])
    b.play_from_step_5()


def role_changes(b: Builder) -> None:
    """A role ends and is given again in between; the acts name the head of their time."""
    b.play_to_step_4()
    first = next(e for e in b.streams[f"person:{b.persons['sari']}"] if e.type == "assignment.made")
    b.at("2026-04-10T12:00")
    b.end("sari", first.payload["assignment"])
    b.assign("sari", "sakip_team", b.actor("admin", "administrator"))
    b.play_from_step_5()


def represented(b: Builder) -> None:
    """A substitute has a step of the section head's for a day, and it goes back."""
    b.play_to_step_4()
    b.at("2026-04-10T12:00")
    proposal = b.propose("agus", "hendra", b.actor("hendra"), from_on="2026-04-13", to_on="2026-04-13")
    b.confirm("agus", proposal, b.actor("agus"))
    because = b.act_for("agus", proposal, b.actor("agus")).leaf_hash
    b.upload("agus", "5", "meeting_decision")
    actor, start, decide = b.actor, b.start_due, b.decide
    b.represent("agus", "hendra")

    def after_the_last_day(login: str, step: str, decision: str = "approve") -> None:
        run = b.dossier.running(step)
        if step == "8" and run is not None and run.acting is not None:
            b.move("8", "hendra", because, True)
            b.actor, b.start_due = actor, start  # type: ignore[method-assign]
        decide(login, step, decision)

    b.decide = after_the_last_day  # type: ignore[method-assign]
    b.play_from_step_5()
    assert sum(e.type == "step.moved" for e in b.streams[f"dossier:{b.id}"]) == 2


def represented_at_the_decision(b: Builder) -> None:
    """A substitute decides, by two hands: nothing is flagged."""
    b.play_to_step_4()
    b.at("2026-04-10T12:00")
    proposal = b.propose("agus", "hendra", b.actor("ratna"), mode="plt", to_on=None)
    b.confirm("agus", proposal, b.actor("agus"))
    b.act_for("agus", proposal, b.actor("agus"))
    b.represent("agus", "hendra")
    b.play_from_step_5()
    assert {d.person for d in b.dossier.decisions if d.step == "8"} == {b.persons["agus"]} and b.dossier.flags == []


def by_an_administrator_and_the_substitute(b: Builder) -> None:
    """Nobody else stands behind it: every decision is flagged."""
    b.play_to_step_4()
    b.at("2026-04-10T12:00")
    proposal = b.propose("agus", "hendra", b.actor("admin", "administrator"))
    b.confirm("agus", proposal, b.actor("agus"))
    b.act_for("agus", proposal, b.actor("agus"))
    b.represent("agus", "hendra")
    b.play_from_step_5()
    assert {f.step for f in b.dossier.flags} == {"8"}


def with_a_reset_password(b: Builder) -> None:
    """A flag for a password rests on the service's word."""
    flag = b.flag

    def doubtful(actor: Mapping[str, Any], step: str, decision: str | None, *_: str) -> None:
        flag(actor, step, decision, "password_reset")

    b.flag = doubtful  # type: ignore[method-assign]
    b.play()
    assert [f.step for f in b.dossier.flags] == ["7", "8", "7", "8", "9", "11"]


def attested(b: Builder) -> None:
    """Who performs attests first; who declines and withdraws changes nothing."""
    b.set_up()
    b.set_up = lambda: None  # type: ignore[method-assign]
    stream = f"person:{b.persons['bima']}"
    made = next(e for e in b.streams[stream] if e.type == "assignment.made")
    facts = {"assignment": made.payload["assignment"], "sop": "ab" * 32, "text_digest": "cd" * 32}
    b.append(stream, "assignment.attested", b.actor("bima"), facts)
    for type, by in (("delegation.declined", "bima"), ("delegation.withdrawn", "hendra")):
        proposal = b.propose("bima", "hendra", b.actor("hendra"))
        answer = {"delegation": proposal.payload["delegation"], "proposal": proposal.leaf_hash}
        b.append(stream, type, b.actor(by), answer)
    b.play()


def until_the_last_day(b: Builder) -> None:
    """An assignment holds on its first and last local day, whatever the day in UTC."""
    assign = b.assign
    STAFF_DAYS = {"from_on": "2026-04-06", "to_on": "2026-04-15"}

    def bounded(login: str, role: str, by: dict[str, object]) -> str:
        return assign(login, role, by, **(STAFF_DAYS if login in STAFF else {}))

    b.assign = bounded  # type: ignore[method-assign, assignment]
    b.set_up()
    b.set_up = lambda: None  # type: ignore[method-assign]
    b.at("2026-04-06T00:10")
    b.open(received_at="2026-04-05T23:00")
    b.open = lambda *_: None  # type: ignore[method-assign]
    b.play()


def clocks_apart(b: Builder) -> None:
    """Another machine's clock, two seconds ahead, dated the person's newest event."""
    b.play_to_step_4()
    b.at("2026-04-10T14:00:02")
    b.assign("sari", "quality_checker", b.actor("admin", "administrator"))
    b.play_from_step_5()


def two_signers_of_the_same_step(b: Builder) -> None:
    """A team: one uploads, another submits."""
    b.play_to_step_4()
    b.at("2026-04-10T13:00")
    b.upload("agus", "5", "meeting_decision")
    b.play_from_step_5()


STORIES: list[Callable[[Builder], object]] = [
    Builder.play,
    unexplained,
    swept,
    swept_and_reassigned,
    nobody_performs,
    late_archiving,
    withdrawn,
    damaged_then_withdrawn,
    damaged_then_sent_again,
    same_bytes_later,
    damage_in_a_verdict,
    checked_intact,
    role_changes,
    represented,
    represented_at_the_decision,
    by_an_administrator_and_the_substitute,
    with_a_reset_password,
    attested,
    until_the_last_day,
    clocks_apart,
    two_signers_of_the_same_step,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_an_honest_dossier_is_valid(story: Callable[[Builder], object]) -> None:
    builder = Builder()
    story(builder)
    assert verdict_of(builder) == (VALID, [])


def test_without_a_pinned_key_an_honest_dossier_is_consistent_only() -> None:
    report = check(Builder().play().bundle(), None)
    assert (report.verdict, report.exit_code, report.discrepancies) == (UNCONFIRMED, 3, [])


def test_erased_openings_are_redactions() -> None:
    builder = Builder().play()
    evidence = builder.evidence()
    kept = {key: value for key, value in evidence.openings.items() if key[1] != "name"}
    report = check(builder.bundle(replace(evidence, openings=kept)), LOG_KEY)
    assert (report.verdict, report.exit_code) == (REDACTED, 0)
    assert {d.code for d in report.discrepancies} == {"redacted"}
