"""What witnesses and time-stamps say about a bundle: believed as far as it goes, and found out where it was changed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.bundling.plan import AttestedCheckpoint, Evidence
from archive_service.domain import manifest, merkle, note
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.cosignature import cosigned_message, pack_cosignature
from archive_service.domain.event import service_actor
from archive_service.domain.policy import Policy, parse_policy
from archive_service.domain.verdict import parse_time
from archive_service.signing import SigningKey, named
from archive_service.verifier.time_stamp import TokenError, parse_time_stamp
from archive_service.verifier.verify import INVALID, VALID, Report, check_bundle, verify_file
from tests.bundling.dossier_builder import LOG_KEY, ORIGIN, RECEIPT_KEY, Builder
from tests.time_stamp_authority import run_authority

WITNESSES = [Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (11, 12)]
KEYS = [
    note.make_vkey(f"w{n}.test", key.public_key().public_bytes_raw(), note.COSIGNATURE)
    for n, key in enumerate(WITNESSES, 1)
]
LINES = "".join(f"witness w{n} {note.format_vkey(key)}\n" for n, key in enumerate(KEYS, 1))
POLICY = parse_policy(LINES + "group both all w1 w2\nquorum both\n")
LENIENT = parse_policy(LINES + "quorum none\n")
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@dataclass
class Story:
    """A sealed dossier, and where its log stood when."""

    builder: Builder
    evidence: Evidence

    def text(self, size: int) -> str:
        return format_checkpoint(Checkpoint(ORIGIN, size, merkle.root_hash(self.builder.leaves[:size])))

    def line(self, who: int, size: int, at: datetime, text: str | None = None) -> note.NoteSignature:
        """A witness's cosignature over the checkpoint of a size."""
        time = int(at.timestamp())
        return pack_cosignature(KEYS[who], time, WITNESSES[who].sign(cosigned_message(text or self.text(size), time)))

    def note(self, size: int, *lines: note.NoteSignature, key: SigningKey = LOG_KEY) -> bytes:
        return note.format_note(self.text(size), [key.make_signature(self.text(size)), *lines])

    def attested(self, size: int, at: datetime, *, tokens: tuple[bytes, ...] = ()) -> AttestedCheckpoint:
        """Cosigned by both witnesses."""
        main = self.evidence.checkpoint_size
        proof = merkle.consistency_proof(size, main, self.builder._node)
        return AttestedCheckpoint(self.note(size, *(self.line(n, size, at) for n in (0, 1))), tokens, proof)

    def at(self, size: int) -> datetime:
        """When the last event of a log of this size was recorded."""
        covered = {leaf.hex() for leaf in self.builder.leaves[:size]}
        streams = self.builder.streams.values()
        return max(parse_time(event.at) for events in streams for event in events if event.leaf_hash in covered)

    def honest(self) -> Evidence:
        """Every third checkpoint attested a minute after its last event, and the last."""
        main = self.evidence.checkpoint_size
        sizes = [*range(10, main, 3), main]
        attested = {size: self.attested(size, self.at(size) + timedelta(minutes=1)) for size in sizes}
        return replace(self.evidence, checkpoint=attested[main].note, attested=attested)

    def check(self, evidence: Evidence, policy: Policy | None = POLICY, **kwargs: object) -> Report:
        bundle = self.builder.bundle(evidence)
        return check_bundle(io.BytesIO(bundle), len(bundle), LOG_KEY.verifier_key, policy, NOW, **kwargs)


@pytest.fixture(scope="module")
def story() -> Story:
    builder = Builder().play()
    return Story(builder, builder.evidence())


def codes(report: Report) -> set[str]:
    return {d.code for d in report.discrepancies}


def test_honest_times_are_attested_between(story: Story) -> None:
    report = story.check(story.honest())
    assert (report.verdict, codes(report)) == (VALID, set())
    assert report.attestation.witnesses == ["w1", "w2"]
    for interval in report.attestation.intervals:
        assert interval.after is not None and interval.before is not None
        slack = timedelta(minutes=1)
        assert interval.after.at - slack <= parse_time(interval.event.at) <= interval.before.at + slack


def test_what_is_attested_from_one_side_only_is_said_so(story: Story) -> None:
    main = story.evidence.checkpoint_size
    late = story.attested(main, story.at(main))
    report = story.check(replace(story.evidence, checkpoint=late.note, attested={main: late}))
    assert report.verdict == VALID
    assert any("attested not after" in line and "the rest is claimed" in line for line in report.lines("en"))
    early = story.attested(5, story.at(5))
    report = story.check(replace(story.evidence, attested={5: early}), LENIENT)
    assert report.verdict == VALID
    assert any("dinyatakan tidak sebelum" in line for line in report.lines("id"))


def with_main(change: Callable[[Story, Evidence, int], Evidence]) -> Callable[[Story], Evidence]:
    return lambda story: change(story, story.honest(), story.evidence.checkpoint_size)


def cosigned(*who: int, later: timedelta = timedelta(minutes=1)) -> Callable[[Story], Evidence]:
    def change(story: Story) -> Evidence:
        main = story.evidence.checkpoint_size
        lines = [story.line(n, main, story.at(main) + later) for n in who]
        return replace(story.evidence, checkpoint=story.note(main, *lines))

    return change


def altered_time(story: Story) -> Evidence:
    main = story.evidence.checkpoint_size
    line = story.line(0, main, story.at(main))
    blob = line.signature[:7] + bytes([line.signature[7] ^ 1]) + line.signature[8:]
    changed = note.NoteSignature(line.name, line.key_id, blob)
    return replace(story.evidence, checkpoint=story.note(main, changed, story.line(1, main, story.at(main))))


def over_another(story: Story) -> Evidence:
    main = story.evidence.checkpoint_size
    lines = [story.line(n, main, story.at(main), story.text(main - 1)) for n in (0, 1)]
    return replace(story.evidence, checkpoint=story.note(main, *lines))


def note_signature_as_cosignature(story: Story) -> Evidence:
    main = story.evidence.checkpoint_size
    bare = note.NoteSignature(
        KEYS[0].name, KEYS[0].key_id, bytes(7) + b"\x01" + WITNESSES[0].sign(story.text(main).encode())
    )
    return replace(story.evidence, checkpoint=story.note(main, bare, story.line(1, main, story.at(main))))


def forked(story: Story) -> Evidence:
    honest = story.honest()
    text = format_checkpoint(Checkpoint(ORIGIN, 10, sha256(b"another log").digest()))
    at = story.at(10)
    lines = [story.line(n, 10, at, text) for n in (0, 1)]
    data = note.format_note(text, [LOG_KEY.make_signature(text), *lines])
    return replace(honest, attested={**honest.attested, 10: replace(honest.attested[10], note=data)})


def attested_elsewhere(story: Story) -> Evidence:
    honest = story.honest()
    other = named(Ed25519PrivateKey.generate(), ORIGIN)
    data = story.note(10, key=other)
    return replace(honest, attested={**honest.attested, 10: replace(honest.attested[10], note=data)})


def proof_of_another(story: Story) -> Evidence:
    honest = story.honest()
    wrong = replace(honest.attested[10], consistency=honest.attested[13].consistency)
    return replace(honest, attested={**honest.attested, 10: wrong})


def all_recorded_late(story: Story) -> Evidence:
    # the log was empty of this dossier until long after the times that its events claim
    attested = {5: story.attested(5, datetime(2026, 4, 28, tzinfo=UTC))}
    return replace(cosigned(0, 1, later=timedelta(days=14))(story), attested=attested)


def sealed_before_it_happened(story: Story) -> Evidence:
    main = story.evidence.checkpoint_size
    early = story.attested(main, story.at(main) - timedelta(hours=1))
    return replace(story.evidence, checkpoint=early.note, attested={main: early})


ATTACKS: dict[str, tuple[Callable[[Story], Evidence], set[str]]] = {
    "too few witnesses": (cosigned(0), {"quorum_missed"}),
    "one witness counted twice": (cosigned(0, 0), {"quorum_missed"}),
    "no witness": (cosigned(), {"quorum_missed"}),
    "a cosignature from the future": (
        cosigned(0, 1, later=timedelta(days=30)),
        {"cosignature_future", "quorum_missed"},
    ),
    "an altered cosignature time": (altered_time, {"cosignature_invalid", "quorum_missed"}),
    "cosignatures over another checkpoint": (over_another, {"cosignature_invalid", "quorum_missed"}),
    "0x01 presented as 0x04": (note_signature_as_cosignature, {"cosignature_invalid", "quorum_missed"}),
    "a log that forked after it was attested": (forked, {"attested_forked"}),
    "an attested checkpoint of another key": (attested_elsewhere, {"attested_invalid"}),
    "a proof of another size": (proof_of_another, {"attested_forked"}),
    "on-time stamps, written long after": (all_recorded_late, {"time_contradicts_attestation"}),
    "stamps later than what was seen": (sealed_before_it_happened, {"time_contradicts_attestation"}),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_each_attack_is_named(name: str, story: Story) -> None:
    make, expected = ATTACKS[name]
    report = story.check(make(story))
    assert report.verdict == INVALID and codes(report) == expected


# two keys of the log ------------------------------------------------------------------------------------------------

OLD, NEW = LOG_KEY, named(Ed25519PrivateKey.from_private_bytes(b"\x21" * 32), ORIGIN)


@pytest.fixture(scope="module")
def changed() -> Story:
    """The same dossier, while which the log changed its key."""
    builder = Builder()
    builder.play_to_step_4()
    builder.append("service", "key.registered", service_actor("keys"), {"purpose": "log", "vkey": NEW.vkey})
    until = {"overlap_until": "2026-05-10T00:00:00.000000Z"}
    payload = {"purpose": "log", "vkey": OLD.vkey, "successor": NEW.vkey, **until}
    builder.append("service", "key.retired", service_actor("keys"), payload)
    builder.play_from_step_5()
    return Story(builder, builder.evidence())


def signed_by(story: Story, *keys: SigningKey, listed: tuple[SigningKey, ...] = (NEW, OLD)) -> bytes:
    size = story.evidence.checkpoint_size
    text = story.text(size)
    data = note.format_note(text, [key.make_signature(text) for key in keys])
    vkeys = [listed[0].vkey, RECEIPT_KEY.vkey, *(key.vkey for key in listed[1:])]
    return story.builder.bundle(replace(story.evidence, checkpoint=data, vkeys=vkeys))


def verdict(bundle: bytes, key: SigningKey | None) -> tuple[str, set[str]]:
    report = check_bundle(io.BytesIO(bundle), len(bundle), None if key is None else key.verifier_key)
    return report.verdict, codes(report)


def test_in_the_overlap_a_bundle_is_valid_under_either_key_and_after_it_under_the_new_one(changed: Story) -> None:
    both = signed_by(changed, NEW, OLD)
    assert verdict(both, OLD) == verdict(both, NEW) == (VALID, set())
    new = signed_by(changed, NEW)
    assert verdict(new, NEW) == (VALID, set())
    assert verdict(new, OLD) == (INVALID, {"signed_by_other_key"})
    assert verdict(signed_by(changed, OLD), NEW) == (INVALID, {"signed_by_other_key"})


def test_a_key_that_no_event_put_in_its_place_is_refused(story: Story, changed: Story) -> None:
    stranger = named(Ed25519PrivateKey.generate(), ORIGIN)
    assert "key_unregistered" in verdict(signed_by(changed, NEW, listed=(NEW, OLD, stranger)), NEW)[1]
    assert verdict(signed_by(changed, stranger, NEW), NEW) == (INVALID, {"checkpoint_invalid"})
    assert "key_unregistered" in verdict(signed_by(story, NEW, OLD), OLD)[1]
    # a key that was registered while the dossier ran, and followed none
    builder = Builder()
    builder.play_to_step_4()
    builder.append("service", "key.registered", service_actor("keys"), {"purpose": "log", "vkey": NEW.vkey})
    builder.play_from_step_5()
    late = Story(builder, builder.evidence())
    assert verdict(signed_by(late, NEW, OLD), NEW) == (INVALID, {"registered_late"})


def test_a_signature_by_a_key_that_the_bundle_does_not_name_is_refused(story: Story) -> None:
    text = story.text(story.evidence.checkpoint_size)
    stray = note.format_note(text, [OLD.make_signature(text), NEW.make_signature(text)])
    assert codes(story.check(replace(story.evidence, checkpoint=stray), None)) == {"checkpoint_invalid"}


# time-stamps --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def token(story: Story, tmp_path_factory: pytest.TempPathFactory) -> Iterator[bytes]:
    """OpenSSL's answer over the last checkpoint, of today."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    text = story.text(story.evidence.checkpoint_size).encode()
    with run_authority(tmp_path_factory.mktemp("tsa") / "tsa") as authority:
        yield authority.reply(
            TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build().as_bytes()
        )


def stamped(story: Story, token: bytes, size: int | None = None) -> Evidence:
    size = size or story.evidence.checkpoint_size
    made = story.attested(size, story.at(size), tokens=(token,))
    return replace(story.evidence, attested={size: replace(made, note=story.note(size))})


def at_seal(story: Story, token: bytes) -> bytes:
    """The token with the time of the seal: nobody here verifies its signature, so that nothing but openssl would notice."""
    told = parse_time_stamp(token)
    old, new = (t.strftime("%Y%m%d%H%M%SZ").encode() for t in (told.at, story.at(story.evidence.checkpoint_size)))
    assert token.count(old) >= 1
    return token.replace(old, new)


def test_a_token_counts_and_the_command_that_verifies_it_is_printed(story: Story, token: bytes) -> None:
    evidence = stamped(story, at_seal(story, token))
    report = story.check(evidence, None)
    assert (report.verdict, report.attestation.time_stamps) == (VALID, 1)
    name = manifest.token_name(evidence.checkpoint_size, 1)
    lines = report.lines("en")
    assert any(f"openssl ts -verify -data /dev/stdin -in {name}" in line for line in lines)
    assert any("NOT verified here" in line for line in lines)
    assert "Level: signed; witnesses 0 of 0; time stamps 1." in lines


def test_a_token_over_another_checkpoint_from_the_future_or_damaged_is_named(story: Story, token: bytes) -> None:
    assert codes(story.check(stamped(story, at_seal(story, token), 10), None)) == {"time_stamp_differs"}
    assert codes(story.check(stamped(story, token), None)) == {"time_stamp_future"}
    assert codes(story.check(stamped(story, token[:-1]), None)) == {"time_stamp_invalid"}
    assert codes(story.check(stamped(story, b"0\x05" + b"0\x03\x02\x01\x02"), None)) == {"time_stamp_invalid"}


def test_no_cut_and_no_flip_of_a_token_does_more_than_be_refused(token: bytes) -> None:
    whole = parse_time_stamp(token)
    for length in range(0, len(token), 7):
        with pytest.raises(TokenError):
            parse_time_stamp(token[:length])
    for place in range(0, len(token), 3):
        changed = token[:place] + bytes([token[place] ^ 0x81]) + token[place + 1 :]
        try:
            parse_time_stamp(changed)
        except TokenError:
            continue
    with pytest.raises(TokenError):
        parse_time_stamp(token + b"\0")
    assert whole.imprint != b""


def test_a_policy_file_is_read_and_a_bad_one_refused(story: Story, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(story.builder.bundle(story.honest()))
    (tmp_path / "policy").write_text(f"log {LOG_KEY.vkey}\n{LINES}group both all w1 w2\nquorum both\n")
    text, code = verify_file(str(tmp_path / "b.zip"), None, "en", False, str(tmp_path / "policy"))
    assert code == 0 and "Level: signed; witnesses 2 of 2; time stamps 0." in text
    (tmp_path / "policy").write_text("quorum nobody\n")
    text, code = verify_file(str(tmp_path / "b.zip"), None, "en", False, str(tmp_path / "policy"))
    assert code == 2 and "line 1" in text
