"""The witness: it follows a log that grows, and cosigns nothing else."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.cosignature import find_cosignature
from archive_service.signing import SigningKey
from archive_service.verifier import ed25519
from archive_service.witness import BODY_LIMIT_BYTES, SIZE_TYPE, Reply, Witness, WitnessServer, format_submission
from tests.verifier.forger import node_reader

ORIGIN = "archive.test/log"
KEY = signing.named(Ed25519PrivateKey.generate(), ORIGIN)
LEAVES = [merkle.leaf_hash(bytes([n])) for n in range(20)]
OTHER = [merkle.leaf_hash(bytes([n, 1])) for n in range(20)]
NOW = 1_790_000_000


def checkpoint(size: int, leaves: list[bytes] = LEAVES, key: SigningKey = KEY, origin: str = ORIGIN) -> bytes:
    return key.sign(format_checkpoint(Checkpoint(origin, size, merkle.root_hash(leaves[:size]))))


def submission(old: int, size: int, leaves: list[bytes] = LEAVES, **kwargs: object) -> bytes:
    proof = merkle.consistency_proof(old, size, node_reader(leaves)) if 0 < old < size else []
    return format_submission(old, proof, checkpoint(size, leaves, **kwargs))  # type: ignore[arg-type]


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "w.db", Ed25519PrivateKey.generate(), "witness.test/w", [KEY.vkey], lambda: NOW)


def time_of(witness: Witness, body: bytes, reply: Reply) -> int:
    signed = note.parse_note(body.partition(b"\n\n")[2] + reply.text.encode())
    found = find_cosignature(signed, witness.key, ed25519.verify)
    assert found is not None
    return found.time


def test_a_log_that_grows_is_cosigned_each_time(witness: Witness) -> None:
    for old, size in [(0, 3), (3, 8), (8, 8), (8, 13)]:
        body = submission(old, size)
        reply = witness.add_checkpoint(body)
        assert (reply.status, time_of(witness, body, reply)) == (200, NOW)


def test_what_was_cosigned_is_remembered_across_a_start(witness: Witness, tmp_path: Path) -> None:
    assert witness.add_checkpoint(submission(0, 8)).status == 200
    again = Witness(tmp_path / "w.db", Ed25519PrivateKey.generate(), "witness.test/w", [KEY.vkey], lambda: NOW)
    assert again.add_checkpoint(submission(0, 9)) == Reply(409, "8\n", SIZE_TYPE)


REFUSED: dict[str, tuple[Callable[[], bytes], int]] = {
    "another size than it knows": (lambda: submission(3, 9), 409),
    "a log that shrank": (lambda: submission(0, 5), 409),
    "a shrunk log that names the right size": (lambda: format_submission(8, [], checkpoint(5)), 400),
    "another root at the same size": (lambda: submission(8, 8, OTHER), 409),
    "a log that forked": (lambda: submission(8, 9, OTHER), 422),
    "a proof that is missing": (lambda: format_submission(8, [], checkpoint(9)), 422),
    "a proof where nothing is to be proved": (lambda: format_submission(8, [LEAVES[0]], checkpoint(8)), 422),
    "another log": (
        lambda: submission(8, 9, key=signing.named(Ed25519PrivateKey.generate(), "b/log"), origin="b/log"),
        404,
    ),
    "another key of the same name": (
        lambda: submission(8, 9, key=signing.named(Ed25519PrivateKey.generate(), ORIGIN)),
        403,
    ),
    "no note": (lambda: b"old 8\n\nnothing\n", 400),
    "no size": (lambda: b"\n\n" + checkpoint(9), 400),
    "a size with a leading zero": (lambda: submission(8, 9).replace(b"old 8", b"old 08"), 400),
    "a proof that is too long": (lambda: format_submission(8, [LEAVES[0]] * 64, checkpoint(9)), 400),
    "a proof line that is no hash": (lambda: b"old 8\nabc\n\n" + checkpoint(9), 400),
    "bytes that are no text": (lambda: b"old \xff\n\n" + checkpoint(9), 400),
}


@pytest.mark.parametrize("name", REFUSED)
def test_nothing_else_is_cosigned(name: str, witness: Witness) -> None:
    assert witness.add_checkpoint(submission(0, 8)).status == 200
    make, status = REFUSED[name]
    reply = witness.add_checkpoint(make())
    assert reply.status == status and "\u2014" not in reply.text
    if status == 409:
        assert (reply.text, reply.content_type) == ("8\n", SIZE_TYPE)
    assert witness.add_checkpoint(submission(8, 8)).status == 200


def test_the_first_checkpoint_needs_no_proof_and_takes_none(witness: Witness) -> None:
    assert witness.add_checkpoint(format_submission(0, [LEAVES[0]], checkpoint(3))).status == 422
    assert witness.add_checkpoint(submission(0, 3)).status == 200


def test_a_log_that_changes_its_key_is_followed_when_both_keys_are_named(tmp_path: Path) -> None:
    new = signing.named(Ed25519PrivateKey.generate(), ORIGIN)
    witness = Witness(tmp_path / "w.db", Ed25519PrivateKey.generate(), "w", [KEY.vkey, new.vkey], lambda: NOW)
    assert witness.add_checkpoint(submission(0, 3)).status == 200
    assert witness.add_checkpoint(submission(3, 5, key=new)).status == 200


def test_of_two_checkpoints_at_once_one_is_cosigned(witness: Witness) -> None:
    for turn in range(5):
        old = turn * 3
        bodies = [submission(old, old + 1 + n) for n in range(3)]
        start = threading.Barrier(3)

        def send(body: bytes, start: threading.Barrier = start) -> int:
            start.wait()
            return witness.add_checkpoint(body).status

        with ThreadPoolExecutor(3) as pool:
            assert sorted(pool.map(send, bodies)) == [200, 409, 409]
        # whichever won, the next turn begins where all three would have led
        known = int(witness.add_checkpoint(submission(19, 20)).text)
        if known < old + 3:
            assert witness.add_checkpoint(submission(known, old + 3)).status == 200


@pytest.fixture
def port(witness: Witness) -> Iterator[int]:
    with WitnessServer(("127.0.0.1", 0), witness) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def ask(port: int, method: str, path: str, body: bytes, headers: dict[str, str] | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status, response.headers.get("Content-Type", "")


def test_it_answers_over_http(port: int) -> None:
    assert ask(port, "POST", "/add-checkpoint", submission(0, 3)) == (200, "text/plain; charset=utf-8")
    assert ask(port, "POST", "/add-checkpoint", submission(0, 4)) == (409, SIZE_TYPE)
    assert ask(port, "POST", "/elsewhere", b"")[0] == 404
    assert ask(port, "GET", "/add-checkpoint", b"")[0] == 501
    assert ask(port, "POST", "/add-checkpoint", b"x" * (BODY_LIMIT_BYTES + 1))[0] == 413
    assert ask(port, "POST", "/add-checkpoint", b"", {"Content-Length": "-1"})[0] == 413


def test_a_connection_that_ends_early_harms_nobody(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.putrequest("POST", "/add-checkpoint")
    connection.putheader("Content-Length", "100")
    connection.endheaders()
    connection.send(b"old 0")
    connection.close()
    assert ask(port, "POST", "/add-checkpoint", submission(0, 3))[0] == 200
