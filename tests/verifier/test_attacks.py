"""An issuer who breaks a rule, with all that follows consistent and really signed, is found out by that rule."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import pytest

from archive_service.bundling.plan import Evidence
from archive_service.domain import canonical, deviation, merkle, note
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.event import person_actor, service_actor
from archive_service.verifier.verify import INVALID, VALID
from tests.bundling.dossier_builder import (
    LOG_KEY,
    ORIGIN,
    RECEIPT_KEY,
    RULES,
    SETUP,
    Builder,
    Fields,
    Tamper,
    shipped,
    wib,
)
from tests.domain.story import make_id
from tests.verifier.forger import check

OTHER_HASH = "cd" * 32
Story = Callable[[Builder], object]
Change = Callable[[Builder, Evidence], Evidence]


@dataclass(frozen=True)
class Attack:
    """What is broken: an event as it is written, the story that is told, or the evidence that is gathered."""

    code: str
    tamper: Tamper | None = None
    story: Story = Builder.play
    change: Change | None = None


def on(type: str, change: Callable[[Fields], None], **match: Any) -> Tamper:
    """Changes every event of a type whose payload holds these values."""

    def tamper(_: Builder, fields: Fields) -> None:
        if fields["type"] == type and all(fields["payload"].get(k) == v for k, v in match.items()):
            change(fields)

    return tamper


def payload(type: str, changes: dict[str, Any], **match: Any) -> Tamper:
    """Sets members of the payload, dotted ones in its parts."""

    def change(fields: Fields) -> None:
        for name, value in changes.items():
            *path, last = name.split(".")
            part = fields["payload"]
            for step in path:
                part = part[step]
            part[last] = value(part[last]) if callable(value) else value

    return on(type, change, **match)


def from_builder(type: str, facts: Callable[[Builder], dict[str, Any]]) -> Tamper:
    """Sets members of the payload to what the builder knows."""

    def tamper(b: Builder, fields: Fields) -> None:
        if fields["type"] == type:
            fields["payload"].update(facts(b))

    return tamper


def member(type: str, changes: dict[str, Any], **match: Any) -> Tamper:
    """Sets members of the event."""
    return on(type, lambda fields: fields.update(changes), **match)


def acting(type: str, changes: dict[str, Any], **match: Any) -> Tamper:
    """Sets members of the actor."""
    return on(type, lambda fields: fields["actor"].update(changes), **match)


def before_step_5(act: Story) -> Story:
    """The whole story with something more before step 5."""

    def story(b: Builder) -> None:
        b.play_to_step_4()
        b.at("2026-04-10T13:00")
        act(b)
        b.play_from_step_5()

    return story


# stories -----------------------------------------------------------------------------------------------------------


def without_recording(code: str | None = None, **attributes: Any) -> Story:
    """Deviations (of a code) are not recorded."""

    def story(b: Builder) -> None:
        record = b.record
        for name, value in attributes.items():
            setattr(b, name, value)

        def keep(due: deviation.DueDeviation) -> None:
            if code is not None and due.code != code:
                record(due)

        b.record = keep  # type: ignore[method-assign]
        b.explain = lambda *_: None  # type: ignore[method-assign]
        b.play()

    return story


def recording(code: str, step: str | None, subject: str | None = None) -> Story:
    """A deviation is invented, for the step that runs."""

    def act(b: Builder) -> None:
        run = b.dossier.running("5")
        assert run is not None
        due = deviation.DueDeviation(
            code, step, None if step is None else 1, subject, run.role, run.responsible, (run.start_hash,)
        )
        b.record(due)
        b.explain("sari", code)

    return before_step_5(act)


def damage_not_recorded(b: Builder) -> None:
    record = b.record
    b.record = lambda _: None  # type: ignore[method-assign, assignment]
    b.check_fixity([b.dossier.versions[0].digest])
    b.record = record  # type: ignore[method-assign]


def revoked(b: Builder) -> str:
    """Ends the assignment of step 6's performer; the head before."""
    chain = b.streams[f"person:{b.persons['bima']}"]
    head = chain[-1].leaf_hash
    b.end("bima", next(e.payload["assignment"] for e in chain if e.type == "assignment.made"))
    return head


def hidden_revocation(b: Builder) -> None:
    """The performer acts after the end of the assignment, under the head from before; a new one comes too late."""
    head = revoked(b)
    actor = b.actor

    def old(login: str, role: str | None = None) -> dict[str, Any]:
        found = actor(login, role)
        return {**found, "head": head} if login == "bima" and b.now < wib("2026-04-14T12:00") else found

    b.actor = old  # type: ignore[method-assign]
    decide = b.decide

    def again(login: str, step: str, decision: str = "approve") -> None:
        decide(login, step, decision)
        if decision == "return":
            b.assign("bima", "planning_officer", actor("admin", "administrator"))

    b.decide = again  # type: ignore[method-assign]


def older_head(b: Builder) -> None:
    """After a newer head was named, an older one is."""
    chain = b.streams[f"person:{b.persons['sari']}"]
    head = chain[-1].leaf_hash
    b.assign("sari", "quality_checker", b.actor("admin", "administrator"))
    actor = b.actor

    def old(login: str, role: str | None = None) -> dict[str, Any]:
        found = actor(login, role)
        return {**found, "head": head} if login == "sari" and b.now > wib("2026-04-13T00:00") else found

    b.actor = old  # type: ignore[method-assign]


def head_from_future(b: Builder) -> None:
    b.at("2026-04-10T16:00")
    b.assign("sari", "quality_checker", b.actor("admin", "administrator"))


def represented(
    proposer: str = "hendra",
    confirmer: str | None = "agus",
    facts: dict[str, Any] | None = None,
    changes: dict[str, Any] | None = None,
    declined: bool = False,
) -> Story:
    """The section head's steps are decided by a substitute whom these two proposed and confirmed."""

    def act(b: Builder) -> None:
        def by(login: str) -> dict[str, Any]:
            return b.actor(login, "administrator") if login in ("admin", "dua") else b.actor(login)

        if "dua" in (proposer, confirmer):
            b.register("dua", b.actor("admin", "administrator"))
            b.assign("dua", "administrator", b.actor("admin", "administrator"))
        proposal = b.propose("agus", "hendra", by(proposer), **(facts or {}))
        if confirmer is not None:
            b.confirm("agus", proposal, by(confirmer))
        if declined:
            answer = {"delegation": proposal.payload["delegation"], "proposal": proposal.leaf_hash}
            b.append(f"person:{b.persons['agus']}", "delegation.declined", by("ratna"), answer)
        b.act_for("agus", proposal, by(confirmer or "agus"), **(changes or {}))
        b.represent("agus", "hendra")

    return before_step_5(act)


def used_twice(b: Builder) -> None:
    proposal = b.propose("agus", "hendra", b.actor("hendra"))
    b.confirm("agus", proposal, b.actor("agus"))
    b.end("agus", b.act_for("agus", proposal, b.actor("agus")).payload["assignment"])
    b.act_for("agus", proposal, b.actor("agus"))
    b.represent("agus", "hendra")


def moving(step: str, to: str, is_back: bool = False, **facts: Any) -> Story:
    """A substitute of the team's lead uploads, and a step is moved that does not belong there."""

    def act(b: Builder) -> None:
        proposal = b.propose("agus", "sari", b.actor("sari"), **facts)
        b.confirm("agus", proposal, b.actor("agus"))
        made = b.made[("agus", "sakip_team")]
        because = b.act_for("agus", proposal, b.actor("agus")).leaf_hash
        b.made[("agus", "sakip_team")] = made
        b.upload("agus", "5", "meeting_decision")
        if is_back:
            b.move(step, "agus", because)
        b.move(step, to, because, is_back)

    return before_step_5(act)


def of_another_substitute(b: Builder) -> None:
    """A step is moved because of an event that gives nobody anything."""
    b.move("5", "agus", b.streams[f"person:{b.persons['sari']}"][0].leaf_hash)


def without_flags(story: Story) -> Story:
    """Nothing is flagged."""

    def unflagged(b: Builder) -> None:
        b.flag = lambda *_: None  # type: ignore[method-assign]
        story(b)

    return unflagged


def with_flags(*reasons: str, login: str | None = None) -> Story:
    """Every decision is flagged for these reasons, and maybe of somebody else."""

    def story(b: Builder) -> None:
        def flag(actor: dict[str, Any], step: str, decision: str | None, *_: str) -> None:
            run = b.dossier.last_run(step)
            assert run is not None
            person = actor["person"] if login is None or decision is not None else b.persons[login]
            facts = {"step": step, "iteration": run.iteration, "person": person}
            b.tell("decision.flagged", RULES, {**facts, "decision": decision, "reasons": list(reasons)})

        b.flag = flag  # type: ignore[method-assign, assignment]
        b.play()

    return story


def attested_by_another(b: Builder) -> None:
    stream = f"person:{b.persons['bima']}"
    made = next(e for e in b.streams[stream] if e.type == "assignment.made")
    facts = {"assignment": made.payload["assignment"], "sop": OTHER_HASH, "text_digest": OTHER_HASH}
    b.append(stream, "assignment.attested", b.actor("hendra"), facts)


def ended_by_the_substitute(b: Builder) -> None:
    proposal = b.propose("bima", "hendra", b.actor("hendra"))
    b.confirm("bima", proposal, b.actor("bima"))
    made = b.act_for("bima", proposal, b.actor("bima"))
    ended = {"assignment": made.payload["assignment"]}
    b.append(f"person:{b.persons['bima']}", "assignment.ended", b.actor("bima"), ended)


def answer_to_nothing(b: Builder) -> None:
    answer = {"delegation": make_id(9), "proposal": OTHER_HASH}
    b.append(f"person:{b.persons['bima']}", "delegation.declined", b.actor("bima"), answer)


def reappointed(b: Builder) -> None:
    """An administrator ends a role and gives it again."""
    chain = b.streams[f"person:{b.persons['sari']}"]
    b.end("sari", next(e.payload["assignment"] for e in chain if e.type == "assignment.made"))
    b.assign("sari", "sakip_team", b.actor("admin", "administrator"))


def under_excluded_roles(b: Builder) -> None:
    b.assign("sari", "administrator", b.actor("admin", "administrator"))


def of_another_unit(b: Builder) -> None:
    """The opener holds the role in another unit."""
    b.set_up()
    b.set_up = lambda: None  # type: ignore[method-assign]
    made = b.made[("maya", "data_officer")]
    b.assign("maya", "data_officer", b.actor("admin", "administrator"), unit=make_id(9))
    b.tamper = acting("dossier.opened", {"work_unit": make_id(9), "assignment": b.made[("maya", "data_officer")]})
    b.made[("maya", "data_officer")] = made
    b.play()


def refused_by(role: str, unit: str | None = None) -> Story:
    """A refusal is recorded of somebody who may upload nothing here."""

    def act(b: Builder) -> None:
        made = b.made[("sari", "sakip_team")]
        b.assign("sari", role, b.actor("admin", "administrator"), unit=unit)
        facts = {"step": "5", "kind": None, "code": "file_too_large", "size": None, "digest": None}
        by = {**b.actor("sari", role), "work_unit": unit or b.unit}
        b.made[("sari", "sakip_team")] = made
        b.tell("document.refused", by, facts, {"file_name": None})

    return before_step_5(act)


def unregistered(b: Builder) -> None:
    """A performer whose stream begins with the assignment."""
    register = b.register

    def silently(login: str, by: dict[str, Any]) -> None:
        if login == "bima":
            b.persons[login] = b.make_id()
        else:
            register(login, by)

    b.register = silently  # type: ignore[method-assign, assignment]
    b.play()


def registered_late(b: Builder) -> None:
    register, opening = b.register_definitions, b.open
    b.register_definitions = lambda: None  # type: ignore[method-assign]

    def late() -> None:
        opening()
        register()

    b.open = late  # type: ignore[method-assign, assignment]
    b.play()


def scheduled(*, is_late: bool = False, **changes: Any) -> Story:
    """Sealed under a retention schedule that is registered while the dossier runs, or only after its seal."""

    def story(b: Builder) -> None:
        b.play_to_step_4()
        b.at("2026-04-10T13:00")
        value = canonical.decode(shipped("retention/contoh.toml"))
        b.schedule_data = canonical.encode({**value, "is_example": False, **changes})
        if not is_late:
            b.register_definition(b.schedule_data)
        b.play_from_step_5()
        if is_late:
            b.register_definition(b.schedule_data)

    return story


def without_schedule(b: Builder, evidence: Evidence) -> Evidence:
    assert b.schedule_data is not None
    left_out = sha256(b.schedule_data).hexdigest()
    return replace(evidence, definitions={k: v for k, v in evidence.definitions.items() if k != left_out})


def swapped_leaves(b: Builder) -> None:
    b.play()
    i, j = (b.leaves.index(bytes.fromhex(e.leaf_hash)) for e in b.streams[f"dossier:{b.id}"][10:12])
    b.leaves[i], b.leaves[j] = b.leaves[j], b.leaves[i]


# evidence ----------------------------------------------------------------------------------------------------------


def false_statement(change: Callable[[dict[str, Any]], None]) -> Tamper:
    """A statement that says something else is sealed."""

    def tamper(b: Builder, fields: Fields) -> None:
        if fields["type"] == "dossier.sealed":
            value = canonical.decode(b.sealed_statement)
            change(value)
            b.sealed_statement = canonical.encode(value)
            fields["payload"]["statement_digest"] = sha256(b.sealed_statement).hexdigest()
            fields["payload"]["statement_size"] = len(b.sealed_statement)

    return tamper


def with_stranger(b: Builder, evidence: Evidence) -> Evidence:
    person = b.persons["agus"]
    chain = b.streams[f"person:{person}"]
    return with_proofs(b, replace(evidence, persons={**evidence.persons, person: [e.data for e in chain]}))


def with_later_events(b: Builder, evidence: Evidence) -> Evidence:
    b.assign("sari", "quality_checker", b.actor("admin", "administrator"))
    person = b.persons["sari"]
    whole = [e.data for e in b.streams[f"person:{person}"]]
    return with_proofs(b, replace(b.evidence(), persons={**evidence.persons, person: whole}))


def with_proofs(b: Builder, evidence: Evidence) -> Evidence:
    """The same with proofs and openings for everything in it."""
    chains = [data for chain in evidence.persons.values() for data in chain]
    hashes = [merkle.leaf_hash(data).hex() for data in [*evidence.events, *chains, *evidence.registrations]]
    places = {h: b.leaves.index(bytes.fromhex(h)) for h in hashes}
    size = len(b.leaves)
    return replace(
        evidence,
        positions=places,
        proofs={h: merkle.inclusion_proof(i, size, b._node) for h, i in places.items()},
        openings={key: value for key, value in b.openings.items() if key[0] in places},
    )


def signing(text: Callable[[Checkpoint], str], *keys: Any) -> Change:
    """Another checkpoint, signed by these keys."""

    def change(b: Builder, evidence: Evidence) -> Evidence:
        checkpoint = Checkpoint(ORIGIN, len(b.leaves), merkle.root_hash(b.leaves))
        made = text(checkpoint)
        lines = [note.parse_note(key.sign(made)).signatures[0] for key in keys]
        return replace(evidence, checkpoint=note.format_note(made, lines))

    return change


def with_two_signatures(b: Builder, evidence: Evidence) -> Evidence:
    return signing(format_checkpoint, LOG_KEY, RECEIPT_KEY)(b, evidence)


def event_twice(_: Builder, evidence: Evidence) -> Evidence:
    return replace(evidence, registrations=[*evidence.registrations, evidence.registrations[0]])


def one_registration_less(_: Builder, evidence: Evidence) -> Evidence:
    gone = merkle.leaf_hash(evidence.registrations[0]).hex()
    places = {h: i for h, i in evidence.positions.items() if h != gone}
    return replace(evidence, registrations=evidence.registrations[1:], positions=places)


def moved_leaf(_: Builder, evidence: Evidence) -> Evidence:
    """An event claims another place of the tree."""
    h = merkle.leaf_hash(evidence.events[-1]).hex()
    return replace(evidence, positions={**evidence.positions, h: evidence.positions[h] + 1})


def unproved(_: Builder, evidence: Evidence) -> Evidence:
    h = merkle.leaf_hash(evidence.events[5]).hex()
    return replace(evidence, positions={k: v for k, v in evidence.positions.items() if k != h})


def proof_of_nothing(b: Builder, evidence: Evidence) -> Evidence:
    index = next(i for i, leaf in enumerate(b.leaves) if leaf.hex() not in evidence.positions)
    h = b.leaves[index].hex()
    proof = merkle.inclusion_proof(index, len(b.leaves), b._node)
    return replace(evidence, positions={**evidence.positions, h: index}, proofs={**evidence.proofs, h: proof})


def opening(change: Callable[[dict[tuple[str, str], tuple[str, bytes]]], None]) -> Change:
    """Other openings."""

    def do(_: Builder, evidence: Evidence) -> Evidence:
        openings = dict(evidence.openings)
        change(openings)
        return replace(evidence, openings=openings)

    return do


def rename(openings: dict[tuple[str, str], tuple[str, bytes]]) -> None:
    key = next(key for key in sorted(openings) if key[1] == "name")
    openings[key] = ("Orang Lain", openings[key][1])


def resalt(openings: dict[tuple[str, str], tuple[str, bytes]]) -> None:
    key = min(openings)
    openings[key] = (openings[key][0], b"\x00" * 32)


def other_document_bytes(b: Builder, evidence: Evidence) -> Evidence:
    """The store gives other bytes of the same length, and the plan was frozen over those."""
    old = evidence.documents[3]
    data = b"x" * old.size
    digest = sha256(data).hexdigest()
    b.objects[digest] = data
    documents = list(evidence.documents)
    documents[3] = replace(old, digest=digest, crc32=zlib.crc32(data))
    return replace(evidence, documents=documents)


def document_left_out(_: Builder, evidence: Evidence) -> Evidence:
    return replace(evidence, documents=evidence.documents[:-1])


def other_dossier(_: Builder, evidence: Evidence) -> Evidence:
    return replace(evidence, dossier=make_id(77))


PERFORMER = person_actor(
    person=make_id(60),
    user=make_id(50),
    role="data_officer",
    work_unit=make_id(8),
    assignment=OTHER_HASH,
    head=OTHER_HASH,
)
CHECKER = {**PERFORMER, "role": "quality_checker"}
TIME = "time_verdict_differs"
COMPLETE = "completeness_verdict_differs"

ATTACKS: dict[str, Attack] = {
    # time
    "used time shortened": Attack(TIME, payload("step.judged", {"time.used_seconds": lambda v: v - 60}, step="5")),
    "limit raised": Attack(TIME, payload("step.judged", {"time.limit_seconds": lambda v: v * 2}, step="4")),
    "due later": Attack(TIME, payload("step.judged", {"time.due_at": wib("2026-04-30T10:00")}, step="4")),
    "late called on time": Attack(
        TIME, payload("step.judged", {"time.result": "on_time"}, step="4"), without_recording(deviation.NORM_PASSED)
    ),
    "on time called late": Attack(TIME, payload("step.judged", {"time.result": "late"}, step="5")),
    "start moved": Attack(TIME, payload("step.judged", {"time.started_at": wib("2026-04-09T10:00")}, step="4")),
    "finish moved": Attack(TIME, payload("step.judged", {"time.finished_at": wib("2026-04-07T10:00")}, step="4")),
    "other policy": Attack(TIME, payload("step.judged", {"time.policy": "clock_minutes"}, step="5")),
    "longer day": Attack(TIME, payload("step.judged", {"time.day_minutes": 1440}, step="5")),
    "less excluded": Attack(TIME, payload("step.judged", {"time.excluded_seconds": 60}, step="5")),
    "later than it was": Attack(TIME, payload("step.judged", {"time.late_by_seconds": 60}, step="5")),
    # completeness
    "more required": Attack(COMPLETE, payload("step.judged", {"completeness.required": 3}, step="5")),
    "less present": Attack(COMPLETE, payload("step.judged", {"completeness.present": 1}, step="5")),
    "gaps invented": Attack(COMPLETE, payload("step.judged", {"completeness.result": "gaps"}, step="5")),
    "other requirements": Attack(
        COMPLETE, payload("step.judged", {"completeness.requirements_digest": OTHER_HASH}, step="5")
    ),
    "damage of an unknown document": Attack(
        COMPLETE, payload("step.judged", {"completeness.damaged": [OTHER_HASH]}, step="5")
    ),
    # deviations
    "lateness not recorded": Attack("deviation_missing", story=without_recording(deviation.NORM_PASSED)),
    "open deviations not said at the seal": Attack(
        "deviation_missing", story=without_recording(deviation.SEALED_WITH_OPEN)
    ),
    "missing performer not recorded": Attack(
        "deviation_missing", story=without_recording(deviation.NO_PERFORMER, without=frozenset(["planning_officer"]))
    ),
    "damage not recorded": Attack("deviation_missing", story=before_step_5(damage_not_recorded)),
    "lateness before the norm passed": Attack("deviation_unfounded", story=recording(deviation.NORM_PASSED, "5")),
    "gap invented": Attack("deviation_unfounded", story=recording("input_missing", "5", "measurement_data")),
    "damage invented": Attack("deviation_unfounded", story=recording(deviation.DOCUMENT_DAMAGED, "5", OTHER_HASH)),
    "missing performer invented": Attack("deviation_unfounded", story=recording(deviation.NO_PERFORMER, "5")),
    "unknown deviation": Attack("deviation_unfounded", story=recording("bad_mood", None)),
    "open deviations said too early": Attack("deviation_unfounded", story=recording(deviation.SEALED_WITH_OPEN, None)),
    "deviation blamed on nobody": Attack("deviation_differs", payload("deviation.recorded", {"responsible": None})),
    "deviation blamed on another": Attack(
        "deviation_differs",
        from_builder("deviation.recorded", lambda b: {"responsible": b.persons["bima"]}),
        without_recording("none"),
    ),
    "deviation of another role": Attack("deviation_differs", payload("deviation.recorded", {"role": "auditor"})),
    "deviation without role": Attack("deviation_differs", payload("deviation.recorded", {"role": None})),
    "deviation shown by another event": Attack(
        "deviation_differs",
        from_builder("deviation.recorded", lambda b: {"evidence": [b.dossier.opened_hash]}),
    ),
    "deviation shown by nothing": Attack("deviation_differs", payload("deviation.recorded", {"evidence": []})),
    # statement
    "statement without the late step": Attack("statement_differs", false_statement(lambda v: v.update(late=0))),
    "statement with less used time": Attack(
        "statement_differs", false_statement(lambda v: v["steps"][3]["time"].update(used_seconds=1))
    ),
    "statement of another performer": Attack(
        "statement_differs", false_statement(lambda v: v["steps"][3].update(performed_by=v["steps"][0]["performed_by"]))
    ),
    "statement without deviations": Attack("statement_differs", false_statement(lambda v: v.update(deviations=[]))),
    "statement of another SOP version": Attack(
        "statement_differs", false_statement(lambda v: v["definitions"][0].update(version=9))
    ),
    # retention
    "statement of fewer years": Attack(
        "statement_differs", false_statement(lambda v: v["retention"].update(inactive_years=0)), scheduled()
    ),
    "statement without retention": Attack(
        "statement_differs", false_statement(lambda v: v.update(retention=None)), scheduled()
    ),
    "schedule left out": Attack("definition_missing", story=scheduled(), change=without_schedule),
    "seal that names no schedule": Attack(
        "definition_missing", payload("dossier.sealed", {"retention": None}), scheduled()
    ),
    "schedule that was registered after the seal": Attack("registered_late", story=scheduled(is_late=True)),
    "schedule that is an example": Attack("definition_invalid", story=scheduled(is_example=True)),
    "schedule of another SOP": Attack(
        "definition_invalid",
        story=scheduled(
            entries=[
                {**each, "sop": "pos-lain"} for each in canonical.decode(shipped("retention/contoh.toml"))["entries"]
            ]
        ),
    ),
    "seal of another statement": Attack(
        "statement_digest", payload("dossier.sealed", {"statement_digest": OTHER_HASH})
    ),
    "seal of another size": Attack("statement_digest", payload("dossier.sealed", {"statement_size": 1})),
    # chains
    "claimed in the future": Attack(
        "claimed_in_future", member("step.started", {"claimed_at": wib("2027-01-01T00:00")})
    ),
    "time backwards": Attack("time_backwards", member("step.judged", {"at": wib("2026-04-06T09:00")}, step="5")),
    "one id twice": Attack("id_twice", member("step.judged", {"id": make_id(1003)}, step="5")),
    "one place twice": Attack("seq_twice", member("key.registered", {"seq": 2, "prev": OTHER_HASH}, purpose="receipt")),
    "registration of another log": Attack(
        "origin_differs", member("work_unit.created", {"origin": "archive.test/two"})
    ),
    "fixity of another dossier": Attack(
        "wrong_stream", payload("fixity.checked", {"dossier": make_id(77)}), before_step_5(lambda b: b.check_fixity([]))
    ),
    "events of another dossier": Attack("wrong_stream", change=other_dossier),
    # log
    "order of the tree": Attack("leaf_order", story=swapped_leaves),
    "place of the tree": Attack("not_in_log", change=moved_leaf),
    "no proof": Attack("proof_missing", change=unproved),
    "proof of a stranger": Attack("proof_extra", change=proof_of_nothing),
    "signed by the receipt key": Attack("checkpoint_unsigned", change=signing(format_checkpoint, RECEIPT_KEY)),
    "signed by two keys": Attack("checkpoint_invalid", change=with_two_signatures),
    "signed twice": Attack("checkpoint_invalid", change=signing(format_checkpoint, LOG_KEY, LOG_KEY)),
    "checkpoint of another log": Attack(
        "origin_differs", change=signing(lambda c: format_checkpoint(replace(c, origin="archive.test/two")), LOG_KEY)
    ),
    "checkpoint of another size": Attack(
        "tree_size_differs", change=signing(lambda c: format_checkpoint(replace(c, size=c.size + 1)), LOG_KEY)
    ),
    "checkpoint of another root": Attack(
        "not_in_log", change=signing(lambda c: format_checkpoint(replace(c, root=b"\x00" * 32)), LOG_KEY)
    ),
    "checkpoint with an extension": Attack(
        "checkpoint_invalid", change=signing(lambda c: format_checkpoint(c) + "more\n", LOG_KEY)
    ),
    # registrations
    "registered after the opening": Attack("registered_late", story=registered_late),
    "unit in another stream": Attack(
        "unit_unregistered", member("work_unit.created", {"stream": f"unit:{make_id(77)}"})
    ),
    "another unit": Attack("unit_unregistered", payload("work_unit.created", {"work_unit": make_id(77)})),
    "another version": Attack("definition_unregistered", payload("definition.registered", {"version": 9})),
    "another size": Attack("definition_unregistered", payload("definition.registered", {"size": 9})),
    "another kind": Attack(
        "definition_unregistered",
        payload("definition.registered", {"definition_kind": "sop"}, definition_kind="calendar"),
    ),
    "another receipt key": Attack(
        "key_unregistered", payload("key.registered", {"vkey": LOG_KEY.vkey}, purpose="receipt")
    ),
    "registered twice": Attack("event_twice", change=event_twice),
    "a registration left out": Attack("registration_extra", change=one_registration_less),
    # authority
    "assignment made by rule": Attack("grant_forbidden", member("assignment.made", {"actor": RULES})),
    "assignment made by a performer": Attack("grant_forbidden", member("assignment.made", {"actor": PERFORMER})),
    "definition registered by a performer": Attack(
        "grant_forbidden", member("definition.registered", {"actor": PERFORMER})
    ),
    "SOP registered by a quality checker": Attack(
        "grant_forbidden", member("definition.registered", {"actor": CHECKER}, definition_kind="sop")
    ),
    "calendar registered by an auditor": Attack(
        "grant_forbidden",
        member("definition.registered", {"actor": {**CHECKER, "role": "auditor"}}, definition_kind="calendar"),
    ),
    "calendar registered by rule": Attack(
        "grant_forbidden", member("definition.registered", {"actor": RULES}, definition_kind="calendar")
    ),
    "key registered by a person": Attack(
        "grant_forbidden", member("key.registered", {"actor": {**PERFORMER, "role": "administrator"}})
    ),
    "substitute without a confirmation": Attack("delegation_unfounded", story=represented(confirmer=None)),
    "substitute by one hand": Attack("delegation_unfounded", story=represented(confirmer="hendra")),
    "substitute by two administrators": Attack("delegation_unfounded", story=represented("admin", "dua")),
    "substitute for longer": Attack("delegation_unfounded", story=represented(changes={"to_on": None})),
    "substitute as the lead": Attack("delegation_unfounded", story=represented(changes={"lead": True})),
    "substitute of a declined proposal": Attack("delegation_unfounded", story=represented(declined=True)),
    "substitute twice over": Attack("delegation_unfounded", story=before_step_5(used_twice)),
    "answer to no proposal": Attack("delegation_unfounded", story=before_step_5(answer_to_nothing)),
    "proposed by the substitute": Attack(
        "grant_forbidden",
        lambda b, f: f["actor"].update(work_unit=make_id(9)) if f["type"] == "delegation.proposed" else None,
        represented("agus", "ratna"),
    ),
    "ended by the substitute": Attack(
        "grant_forbidden",
        lambda b, f: (
            f["actor"].update(work_unit=make_id(9))
            if f["type"] == "assignment.ended" and f["actor"]["role"] != "administrator"
            else None
        ),
        before_step_5(ended_by_the_substitute),
    ),
    "attested by another": Attack("grant_forbidden", story=before_step_5(attested_by_another)),
    "substitute in another procedure": Attack(
        "assignment_out_of_scope", story=represented(facts={"sops": ["sop-lain"]})
    ),
    "moved before the first day": Attack("move_unfounded", story=moving("5", "agus", from_on="2026-04-11")),
    "moved after the last day": Attack("move_unfounded", story=moving("5", "agus", to_on="2026-04-09")),
    "moved to a third person": Attack("move_unfounded", story=moving("5", "bima")),
    "moved back too early": Attack("move_unfounded", story=moving("5", "sari", True)),
    "moved for another role": Attack("move_unfounded", story=moving("5", "agus", role="section_head")),
    "moved for no delegation": Attack("move_unfounded", story=before_step_5(of_another_substitute)),
    "flag removed": Attack("flag_missing", story=without_flags(before_step_5(reappointed))),
    "flag of a lone administrator removed": Attack("flag_missing", story=without_flags(represented("admin"))),
    "flag invented": Attack("flag_unfounded", story=with_flags("assignment_changed")),
    "flag without a reason": Attack("flag_unfounded", story=with_flags()),
    "flag of another person": Attack("flag_unfounded", story=with_flags("password_reset", login="sari")),
    "administrator performs": Attack("roles_exclude", story=before_step_5(under_excluded_roles)),
    "opened from another unit": Attack("other_work_unit", story=of_another_unit),
    "refused in another unit": Attack("other_work_unit", story=refused_by("section_head", make_id(9))),
    "auditor uploads": Attack("role_forbidden", story=refused_by("auditor")),
    "revocation hidden": Attack("head_stale", story=before_step_5(hidden_revocation)),
    "act after the end": Attack("assignment_not_in_force", story=before_step_5(revoked)),
    "head goes back": Attack("head_backwards", story=before_step_5(older_head)),
    "head from the future": Attack("head_from_future", story=before_step_5(head_from_future)),
    "head that never was": Attack("head_unknown", acting("step.submitted", {"head": OTHER_HASH}, step="6")),
    "assignment that never was": Attack(
        "assignment_unknown", acting("step.submitted", {"assignment": OTHER_HASH}, step="6")
    ),
    "assignment of another role": Attack(
        "assignment_differs", payload("assignment.made", {"role": "auditor"}, role="planning_officer")
    ),
    "assignment of another unit": Attack(
        "assignment_differs", payload("assignment.made", {"work_unit": make_id(9)}, role="planning_officer")
    ),
    "assignment not begun": Attack(
        "assignment_not_in_force", payload("assignment.made", {"from_on": "2026-04-14"}, role="planning_officer")
    ),
    "assignment over": Attack(
        "assignment_not_in_force", payload("assignment.made", {"to_on": "2026-04-12"}, role="planning_officer")
    ),
    "person never registered": Attack("person_unregistered", story=unregistered),
    "person registered as another": Attack(
        "person_unregistered", payload("person.registered", {"person": make_id(77)})
    ),
    "a stranger's stream": Attack("person_extra", change=with_stranger),
    "events after the head": Attack("person_stream_extra", change=with_later_events),
    "a person judges": Attack("person_acted", on("step.judged", lambda f: f.update(actor=PERFORMER))),
    "a person records a deviation": Attack("person_acted", member("deviation.recorded", {"actor": PERFORMER})),
    "another part of the service judges": Attack(
        "service_acted", member("step.judged", {"actor": service_actor("robot")})
    ),
    "the service refuses a file": Attack(
        "service_acted", member("document.refused", {"actor": RULES}), before_step_5(lambda b: b.refuse("sari", "5"))
    ),
    "the set-up starts a step": Attack("service_acted", member("step.started", {"actor": SETUP}, step="5")),
    "submitted for another": Attack("on_behalf_of", member("step.submitted", {"on_behalf_of": make_id(77)}, step="6")),
    "decided for another": Attack("on_behalf_of", member("decision.made", {"on_behalf_of": make_id(77)}, step="9")),
    # documents and openings
    "document recorded with another CRC": Attack(
        "document_damaged", payload("document.received", {"crc32": "0" * 8}, step="5")
    ),
    "document recorded with another size": Attack(
        "document_damaged", payload("document.received", {"size": 9999}, step="5")
    ),
    "document of other bytes": Attack("document_damaged", change=other_document_bytes),
    "document left out": Attack("document_missing", change=document_left_out),
    "another name": Attack("opening_differs", change=opening(rename)),
    "another salt": Attack("opening_differs", change=opening(resalt)),
    "opening of nothing": Attack(
        "opening_extra", change=opening(lambda o: o.update({(OTHER_HASH, "name"): ("x", b"\1" * 32)}))
    ),
    "opening of another field": Attack(
        "opening_extra", change=opening(lambda o: o.update({(min(o)[0], "motto"): ("x", b"\1" * 32)}))
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_broken_rule_is_found_by_its_name(name: str) -> None:
    attack = ATTACKS[name]
    builder = Builder(attack.tamper)
    attack.story(builder)
    evidence = builder.evidence()
    if attack.change is not None:
        evidence = attack.change(builder, evidence)
    report = check(builder.bundle(evidence), LOG_KEY)
    assert (report.verdict, report.exit_code) == (INVALID, 1)
    assert attack.code in {d.code for d in report.discrepancies}


def test_a_dossier_under_a_schedule_is_valid() -> None:
    builder = Builder()
    scheduled()(builder)
    report = check(builder.bundle(), LOG_KEY)
    assert (report.verdict, report.exit_code) == (VALID, 0), report.lines("en")


@pytest.mark.parametrize("role", ["quality_checker", "administrator"])
def test_who_edits_calendars_may_register_one(role: str) -> None:
    builder = Builder(member("definition.registered", {"actor": {**CHECKER, "role": role}}, definition_kind="calendar"))
    builder.play()
    report = check(builder.bundle(), LOG_KEY)
    assert (report.verdict, report.exit_code) == (VALID, 0)


def test_there_are_many_attacks_on_many_rules() -> None:
    assert len(ATTACKS) >= 90
    assert len({attack.code for attack in ATTACKS.values()}) >= 45
