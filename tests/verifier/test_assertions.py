"""Signed decisions: what a forger with the log's real key cannot make, and what an honest bundle with passkeys looks like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archive_service.domain import canonical, manifest
from archive_service.domain.event import commitment, parse_event
from archive_service.verifier.assertions import check_assertions
from archive_service.verifier.evidence import Evidence
from archive_service.verifier.verify import INVALID, VALID
from tests.authenticator import PRESENT, VERIFIED, SoftAuthenticator
from tests.bundling.dossier_builder import LOG_KEY, Builder, Fields, Tamper
from tests.domain.story import make_id
from tests.verifier.forger import check, unpack
from tests.verifier.test_attacks import Attack, Story, before_step_5, payload

OTHER_HASH = "cd" * 32
DECIDERS = ("sari", "hendra", "ratna")


def with_passkeys(*algorithms: str, **changes: Any) -> Callable[[Builder], None]:
    """The deciders register passkeys of these algorithms in turn."""

    def act(b: Builder) -> None:
        for seed, login in enumerate(DECIDERS, 1):
            algorithm = algorithms[seed % len(algorithms)] if algorithms else "ES256"
            b.register_passkey(login, SoftAuthenticator(algorithm, seed, **changes))

    return act


def signed(act: Callable[[Builder], object] | None = None, **changes: Any) -> Story:
    """All decisions are signed, and something else happens before them."""

    def register(b: Builder) -> None:
        with_passkeys(**changes)(b)
        if act is not None:
            act(b)

    return before_step_5(register)


def on_decision(change: Callable[[Builder, Fields], None], step: str = "9") -> Tamper:
    """Changes the decision at a step after it was signed."""

    def tamper(b: Builder, fields: Fields) -> None:
        if fields["type"] == "decision.made" and fields["payload"]["step"] == step:
            change(b, fields)

    return tamper


def invent_reason(b: Builder, fields: Fields) -> None:
    fields["payload"]["reason_commitment"] = commitment("reason", "Saya mengetahui kekurangannya.", b"\x07" * 32)


def bad_signature(b: Builder, fields: Fields) -> None:
    assertion = fields["payload"]["assertion"]
    assertion["signature"] = SoftAuthenticator(seed=77).sign(b"anything").hex()


def by_a_key_of_the_services_own(b: Builder) -> None:
    """The service signs in sari's name with a key that it made itself."""
    b.passkeys["sari"] = (SoftAuthenticator(seed=77), b.passkeys["sari"][1])


def by_another_persons(b: Builder) -> None:
    b.passkeys["sari"] = b.passkeys["hendra"]


def by_a_revoked_one(b: Builder) -> None:
    known = b.passkeys["sari"]
    b.register_passkey("sari", SoftAuthenticator(seed=8))
    b.revoke_passkey("sari", known[1])
    b.passkeys["sari"] = known


def by_one_that_comes_later(b: Builder) -> None:
    """A passkey signs what was decided before it was registered, under a head from before."""
    decide, late = b.decide, SoftAuthenticator(seed=9)

    def again(login: str, step: str, decision: str = "approve") -> None:
        if step != "9":
            decide(login, step, decision)
            return
        actor, head = b.actor, b.streams[f"person:{b.persons[login]}"][-1].leaf_hash
        b.register_passkey(login, late)

        def of_before(login: str, role: str | None = None) -> dict[str, Any]:
            return {**actor(login, role), "head": head}

        b.actor = of_before  # type: ignore[method-assign]
        decide(login, step, decision)
        b.actor = actor  # type: ignore[method-assign]

    b.decide = again  # type: ignore[method-assign]


def unsigned(b: Builder) -> None:
    b.passkeys.pop("hendra")


def shared(b: Builder) -> None:
    b.register_passkey("hendra", SoftAuthenticator(seed=1))


def registered_twice(b: Builder) -> None:
    b.register_passkey("sari", SoftAuthenticator(seed=1))


def revoked_nothing(b: Builder) -> None:
    b.revoke_passkey("sari", OTHER_HASH)
    b.register_passkey("sari", SoftAuthenticator(seed=8))


def registered_by_an_administrator(b: Builder) -> None:
    stream = f"person:{b.persons['bima']}"
    b.append(stream, "passkey.registered", b.actor("admin", "administrator"), SoftAuthenticator(seed=5).registration())


def revoked_by_an_administrator(b: Builder) -> None:
    stream = f"person:{b.persons['sari']}"
    b.append(stream, "passkey.revoked", b.actor("admin", "administrator"), {"passkey": b.passkeys.pop("sari")[1]})


def with_the_first_rounds_signature() -> Tamper:
    """What sari signed in the first round stands in the second one too."""
    first: list[Any] = []

    def tamper(_: Builder, fields: Fields) -> None:
        if fields["type"] == "decision.made" and fields["payload"]["step"] == "7":
            first.append(fields["payload"]["assertion"])
            fields["payload"]["assertion"] = first[0]

    return tamper


OTHER = "assertion_of_another"
ATTACKS: dict[str, Attack] = {
    "signature left out": Attack("assertion_missing", story=signed(unsigned)),
    "assertion taken away": Attack(
        "assertion_missing", payload("decision.made", {"assertion": None}, step="9"), signed()
    ),
    "made by the service": Attack("assertion_signature", story=signed(by_a_key_of_the_services_own)),
    "another signature": Attack("assertion_signature", on_decision(bad_signature), signed()),
    "another's passkey": Attack("assertion_passkey", story=signed(by_another_persons)),
    "a revoked passkey": Attack("assertion_passkey", story=signed(by_a_revoked_one)),
    "a passkey from later": Attack("assertion_passkey", story=signed(by_one_that_comes_later)),
    "a passkey that never was": Attack(
        "assertion_passkey", on_decision(lambda b, f: f["payload"]["assertion"].update(passkey=OTHER_HASH)), signed()
    ),
    "a reason invented": Attack(OTHER, on_decision(invent_reason), signed()),
    "a time claimed": Attack(OTHER, on_decision(lambda b, f: f.update(claimed_at=f["at"])), signed()),
    "another assignment": Attack(OTHER, on_decision(lambda b, f: f["actor"].update(assignment=OTHER_HASH)), signed()),
    "another round's signature": Attack(OTHER, with_the_first_rounds_signature(), signed()),
    "signed while registering": Attack(
        "assertion_client_data",
        on_decision(
            lambda b, f: f["payload"]["assertion"].update(
                client_data=f["payload"]["assertion"]["client_data"].replace("webauthn.get", "webauthn.create")
            )
        ),
        signed(),
    ),
    "signed inside another page": Attack("assertion_client_data", story=signed(cross_origin=True)),
    "no client data": Attack(
        "assertion_client_data",
        on_decision(lambda b, f: f["payload"]["assertion"].update(client_data="[" * 1500)),
        signed(),
    ),
    "a member twice": Attack(
        "assertion_client_data",
        on_decision(
            lambda b, f: f["payload"]["assertion"].update(
                client_data='{"type":"x",' + f["payload"]["assertion"]["client_data"][1:]
            )
        ),
        signed(),
    ),
    "signed on another site": Attack("assertion_origin", story=signed(origin="https://phishing.example")),
    "signed on a site that ends alike": Attack("assertion_origin", story=signed(origin="https://evil-localhost")),
    "signed in the clear": Attack(
        "assertion_origin", story=signed(origin="http://arsip.example.ac.id", rp_id="arsip.example.ac.id")
    ),
    "device answered for another site": Attack(
        "assertion_rp",
        payload("passkey.registered", {"rp_id": "arsip.example.ac.id"}),
        signed(origin="https://arsip.example.ac.id"),
    ),
    "device data with a tail": Attack(
        "assertion_rp",
        on_decision(
            lambda b, f: f["payload"]["assertion"].update(
                authenticator_data=f["payload"]["assertion"]["authenticator_data"] + "00"
            )
        ),
        signed(),
    ),
    "nobody present": Attack("assertion_unverified", story=signed(flags=VERIFIED)),
    "nobody verified": Attack("assertion_unverified", story=signed(flags=PRESENT)),
    "one passkey for two": Attack("passkey_shared", story=signed(shared)),
    "one passkey twice": Attack("passkey_unfounded", story=signed(registered_twice)),
    "a revocation of nothing": Attack("passkey_unfounded", story=signed(revoked_nothing)),
    "registered by another": Attack("grant_forbidden", story=before_step_5(registered_by_an_administrator)),
    "revoked by another": Attack("grant_forbidden", story=signed(revoked_by_an_administrator)),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_a_forged_decision_is_found_by_its_name(name: str) -> None:
    attack = ATTACKS[name]
    builder = Builder(attack.tamper)
    attack.story(builder)
    report = check(builder.bundle(), LOG_KEY)
    assert report.verdict == INVALID
    assert attack.code in {d.code for d in report.discrepancies}


def test_signed_decisions_are_valid_and_the_report_says_who_signed() -> None:
    builder = Builder()
    before_step_5(with_passkeys("ES256", "EdDSA"))(builder)
    bundle = builder.bundle()
    report = check(bundle, LOG_KEY)
    assert report.verdict == VALID, report.discrepancies
    text = unpack(bundle)[1][manifest.REPORT].decode()
    part = text[text.index("TANDA TANGAN KEPUTUSAN") :].split("\n\n")[1].splitlines()
    assert len(part) == 5 and all("ditandatangani dengan kunci sandi (passkey)" in line for line in part)
    assert part[0].startswith("Langkah 7 putaran 1: persetujuan, Sari, ")


def test_a_site_below_the_passkeys_name_may_ask_for_it() -> None:
    builder = Builder()
    signed(origin="https://arsip.example.ac.id:8443", rp_id="example.ac.id")(builder)
    assert check(builder.bundle(), LOG_KEY).verdict == VALID


def test_who_revoked_their_passkey_decides_without_and_the_report_says_so() -> None:
    def revoke(b: Builder) -> None:
        for login in DECIDERS:
            b.revoke_passkey(login, b.passkeys[login][1])

    builder = Builder()
    signed(revoke)(builder)
    bundle = builder.bundle()
    assert check(bundle, LOG_KEY).verdict == VALID
    assert unpack(bundle)[1][manifest.REPORT].decode().count("tanpa kunci sandi (passkey)") == 5


def test_a_decision_of_nobody_known_names_no_passkey() -> None:
    builder = Builder()
    signed()(builder)
    events = [parse_event(canonical.encode(canonical.decode(e.data))) for e in builder.streams[f"dossier:{builder.id}"]]
    found = check_assertions(Evidence(events=events, persons={make_id(5): []}))
    assert {d.code for d in found} == {"assertion_passkey"} and len(found) == 5
