"""Policies: who must have seen the log, read as strictly as it matters."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import note
from archive_service.domain.note import COSIGNATURE, ED25519
from archive_service.domain.policy import POLICY_LIMIT_BYTES, PolicyError, parse_policy


def vkey(number: int, algorithm: int = COSIGNATURE, name: str = "w") -> str:
    public = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key().public_bytes_raw()
    return note.format_vkey(note.make_vkey(f"{name}{number}", public, algorithm))


LOG = f"log {vkey(99, ED25519)} https://log.example"
EXAMPLE = f"""# the specification's own example
{LOG}

witness X1 {vkey(1)}
\twitness X2 {vkey(2)}   https://x2.example/w
witness X3 {vkey(3)}
group X-witnesses 2 X1 X2 X3

witness Y1 {vkey(4)}
witness Y2 {vkey(5)}
witness Y3 {vkey(6)}
group Y-witnesses any Y1 Y2 Y3

group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
"""


def test_the_specifications_example_is_satisfied_as_it_says() -> None:
    policy = parse_policy(EXAMPLE)
    assert len(policy.logs) == 1 and policy.logs[0].url == "https://log.example"
    assert [w.name for w in policy.witnesses] == ["X1", "X2", "X3", "Y1", "Y2", "Y3"]
    assert policy.witnesses[1].url == "https://x2.example/w" and policy.witnesses[0].url is None
    for names, is_enough in [
        ("X1 X2 Y1", True),
        ("X1 X2 X3 Y1 Y2 Y3", True),
        ("X1 Y1 Y2 Y3", False),
        ("X1 X2 X3", False),
        ("", False),
    ]:
        assert policy.is_satisfied(set(names.split())) is is_enough, names


def test_nobody_must_sign_where_the_quorum_is_none_and_one_where_it_is_a_witness() -> None:
    assert parse_policy("quorum none\n").is_satisfied(set())
    one = parse_policy(f"witness a {vkey(1)}\nquorum a")
    assert one.is_satisfied({"a"}) and not one.is_satisfied(set())


TWO = f"witness a {vkey(1)}\nwitness b {vkey(2)}\n"
WRONG = {
    "no quorum": (TWO, "quorum line"),
    "two quorums": (TWO + "quorum a\nquorum b", "quorum line"),
    "an unknown quorum": (TWO + "quorum c", "line 3"),
    "one witness under two names": (f"witness a {vkey(1)}\nwitness b {vkey(1, name='x')}\nquorum a", "twice"),
    "one log twice": (f"{LOG}\nlog {vkey(99, ED25519, 'x')}\nquorum none", "before"),
    "one name twice": (TWO + f"witness a {vkey(3)}\nquorum a", "taken"),
    "a witness named none": (f"witness none {vkey(1)}\nquorum none", "taken"),
    "a member twice": (TWO + "group g 2 a a\nquorum g", "twice"),
    "a member of two groups": (TWO + "group g any a b\ngroup h any a\nquorum g", "twice"),
    "a group of itself": (TWO + "group g any g\nquorum g", "before"),
    "a member named later": (f"group g any a\n{TWO}quorum g", "before"),
    "more cosigners than members": (TWO + "group g 3 a b\nquorum g", "cannot have"),
    "no cosigner": (TWO + "group g 0 a b\nquorum g", "all, any or a number"),
    "an empty group": (TWO + "group g any\nquorum g", "words"),
    "a log's key as a witness (0x01 presented as 0x04)": (f"witness a {vkey(1, ED25519)}\nquorum a", "another type"),
    "a witness's key as a log": (f"log {vkey(1)}\nquorum none", "another type"),
    "a key whose id is another's": (f"witness a {vkey(1).replace('+', '+0', 1)[:-1]}\nquorum a", "line 1"),
    "an unknown word": ("watcher a\nquorum none", "watcher"),
    "a control character": ("quorum none\r\n", "control"),
    "too long": ("#" * (POLICY_LIMIT_BYTES + 1), "64 KiB"),
    "too many witnesses": ("".join(f"witness n{i} {vkey(i)}\n" for i in range(1, 67)) + "quorum none", "up to"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_policy_that_is_none_is_refused_with_its_line(name: str) -> None:
    text, words = WRONG[name]
    with pytest.raises(PolicyError, match=words):
        parse_policy(text)
