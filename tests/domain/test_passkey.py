"""What a signature over a decision covers, to the byte."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from archive_service.domain import passkey
from archive_service.domain.event import ASSERTION, EVENT_TYPES
from tests.domain.story import make_id

FACTS: dict[str, Any] = {
    "origin": "archive.test/log",
    "stream": f"dossier:{make_id(1)}",
    "type": "decision.made",
    "person": make_id(2),
    "assignment": "ab" * 32,
    "claimed_at": None,
    "payload": {
        "step": "7",
        "iteration": 1,
        "decision": "approve",
        "documents": 1,
        "documents_digest": "cd" * 32,
        "gaps": 0,
        "reason_commitment": None,
        "returns_to": None,
        "answers": [],
    },
}


def test_the_signed_bytes_are_those_that_the_docs_name() -> None:
    written = (
        b"archive-service decision v1\n"
        b'{"assignment":"' + b"ab" * 32 + b'","claimed_at":null,"origin":"archive.test/log","payload":{"answers":[],'
        b'"decision":"approve","documents":1,"documents_digest":"' + b"cd" * 32 + b'","gaps":0,"iteration":1,'
        b'"reason_commitment":null,"returns_to":null,"step":"7"},"person":"' + make_id(2).encode() + b'",'
        b'"stream":"dossier:' + make_id(1).encode() + b'","type":"decision.made"}'
    )
    assert passkey.decision_challenge(**FACTS) == sha256(written).digest()


@pytest.mark.parametrize("name", [name for name in FACTS if name != "payload"])
def test_every_fact_counts(name: str) -> None:
    assert passkey.decision_challenge(**{**FACTS, name: "other"}) != passkey.decision_challenge(**FACTS)


@pytest.mark.parametrize("name", FACTS["payload"])
def test_every_member_of_the_payload_counts(name: str) -> None:
    changed = {**FACTS, "payload": {**FACTS["payload"], name: "other"}}
    assert passkey.decision_challenge(**changed) != passkey.decision_challenge(**FACTS)


def test_the_assertion_itself_does_not_count() -> None:
    signed = {**FACTS, "payload": {**FACTS["payload"], "assertion": {"signature": "00"}}}
    assert passkey.decision_challenge(**signed) == passkey.decision_challenge(**FACTS)


@pytest.mark.parametrize(
    ("origin", "rp_id", "is_under"),
    [
        ("https://arsip.example.ac.id", "arsip.example.ac.id", True),
        ("https://arsip.example.ac.id:8443", "example.ac.id", True),
        ("http://localhost:8601", "localhost", True),
        ("http://arsip.localhost", "localhost", True),
        ("http://arsip.example.ac.id", "arsip.example.ac.id", False),
        ("https://notexample.ac.id", "example.ac.id", False),
        ("https://example.ac.id.evil.test", "example.ac.id", False),
        ("https://example.ac.id@evil.test", "example.ac.id", False),
        ("https://evil.test/.example.ac.id", "example.ac.id", False),
        ("https://Example.ac.id", "example.ac.id", False),
        ("http://127.0.0.1:8601", "localhost", False),
        ("android:apk-key-hash:x", "localhost", False),
        ("null", "localhost", False),
        (None, "localhost", False),
        (5, "localhost", False),
    ],
)
def test_only_the_passkeys_own_site_may_ask_for_it(origin: object, rp_id: str, is_under: bool) -> None:
    assert passkey.is_origin_under(origin, rp_id) is is_under


REGISTRATION: dict[str, Any] = {
    "credential": "ab" * 32,
    "algorithm": "ES256",
    "public_key": "04" + "cd" * 64,
    "aaguid": None,
    "rp_id": "arsip.example.ac.id",
}
ASSERTED: dict[str, Any] = {
    "passkey": "ab" * 32,
    "authenticator_data": "00" * 37,
    "client_data": "{}",
    "signature": "00" * 64,
}


@pytest.mark.parametrize(
    ("name", "fits", "fails"),
    [
        ("algorithm", ["EdDSA"], ["RS256", "es256", None]),
        ("public_key", ["ab" * 32], ["05" + "cd" * 64, "04" + "cd" * 63, "AB" * 32, "", None]),
        ("aaguid", ["00" * 16], ["00" * 15, "00" * 17, ""]),
        (
            "rp_id",
            ["localhost", "a.b1", "x-y.id"],
            ["127.0.0.1", "Arsip.id", "a..b", "-a.id", "a_b.id", "", "a" * 254, 5],
        ),
        ("credential", ["00" * 32], ["00" * 31, None]),
    ],
)
def test_a_registration_has_its_form(name: str, fits: list[object], fails: list[object]) -> None:
    rule = EVENT_TYPES[("passkey.registered", 1)].payload
    assert rule(REGISTRATION, "payload") is None
    assert [rule({**REGISTRATION, name: value}, "payload") for value in fits] == [None] * len(fits)
    assert all(rule({**REGISTRATION, name: value}, "payload") for value in fails)


@pytest.mark.parametrize(
    ("name", "fits", "fails"),
    [
        ("authenticator_data", ["00" * 1024], ["00" * 36, "00" * 1025, "0" * 75, "zz" * 37, None]),
        ("client_data", ["x" * 2000], ["", "x" * 2001, None]),
        ("signature", ["00" * 8, "00" * 72], ["00" * 7, "00" * 73, None]),
        ("passkey", ["00" * 32], ["00", None]),
    ],
)
def test_an_assertion_has_its_form_and_its_bounds(name: str, fits: list[object], fails: list[object]) -> None:
    assert ASSERTION(ASSERTED, "assertion") is None
    assert [ASSERTION({**ASSERTED, name: value}, "assertion") for value in fits] == [None] * len(fits)
    assert all(ASSERTION({**ASSERTED, name: value}, "assertion") for value in fails)
    assert ASSERTION({**ASSERTED, "counter": 1}, "assertion")
