"""A small witness (C2SP tlog-witness): one SQLite file, one key; another institution or the auditor runs it.

It remembers the newest checkpoint that it cosigned of each log, and cosigns another only when that is proved to continue it: never two
roots at one size, never a log that shrank. What it remembers is written before it answers.
"""

from __future__ import annotations

import base64
import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service import signing
from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import Checkpoint, CheckpointError, parse_checkpoint
from archive_service.domain.cosignature import cosigned_message, pack_cosignature
from archive_service.verifier import ed25519

BODY_LIMIT_BYTES = 80 * 1024
PROOF_LIMIT = 63
CONNECTIONS_LIMIT = 64
CONNECTION_SECONDS = 20
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"
_OLD = re.compile(r"old (0|[1-9][0-9]{0,15})")
_HASH = re.compile(r"[A-Za-z0-9+/]{43}=")


@dataclass(frozen=True)
class Reply:
    """The witness's answer to one request."""

    status: int
    text: str
    content_type: str = TEXT_TYPE


@dataclass(frozen=True)
class Submission:
    """A request of ``add-checkpoint``: the size that it continues, the proof, and the signed checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    note: note.Note
    checkpoint: Checkpoint


def format_submission(old: int, proof: Iterable[bytes], checkpoint: bytes) -> bytes:
    """The body of an ``add-checkpoint`` request."""
    lines = [f"old {old}\n", *(f"{base64.b64encode(step).decode('ascii')}\n" for step in proof), "\n"]
    return "".join(lines).encode() + checkpoint


def parse_submission(body: bytes) -> Submission:
    """The submission in a request's body; ValueError for anything else."""
    head, separator, rest = body.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    match = _OLD.fullmatch(lines[0])
    if not separator or match is None:
        raise ValueError("the body begins with `old`, a size, proof lines and an empty line")
    if len(lines) - 1 > PROOF_LIMIT:
        raise ValueError(f"a proof has at most {PROOF_LIMIT} lines")
    if not all(_HASH.fullmatch(line) for line in lines[1:]):
        raise ValueError("a line of the proof is no hash in base64")
    parsed = note.parse_note(rest)
    proof = tuple(base64.b64decode(line) for line in lines[1:])
    return Submission(int(match[1]), proof, parsed, parse_checkpoint(parsed.text))


class Witness:
    """What the witness remembers, its key, and the logs that it knows."""

    def __init__(
        self, path: Path, private_key: Ed25519PrivateKey, name: str, logs: Iterable[str], now: Callable[[], float]
    ) -> None:
        """``logs`` are verifier keys; several of one origin are a log that changes its key. NoteError for one that is none."""
        self._path = path
        self._private_key = private_key
        self.key = note.make_vkey(name, private_key.public_key().public_bytes_raw(), note.COSIGNATURE)
        self._logs: dict[str, list[note.VerifierKey]] = {}
        self._now = now
        for vkey in logs:
            key = note.parse_vkey(vkey)
            self._logs.setdefault(key.name, []).append(key)
        with self._open() as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS cosigned "
                "(origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL, time INTEGER NOT NULL)"
            )

    @property
    def vkey(self) -> str:
        """The cosigner's verifier key, for policies."""
        return note.format_vkey(self.key)

    def origins(self) -> list[str]:
        """The logs that it knows."""
        return sorted(self._logs)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=10, isolation_level=None)) as database:
            database.execute("PRAGMA synchronous = FULL")
            yield database

    def add_checkpoint(self, body: bytes) -> Reply:
        """The answer to a submission: signature lines, or why not."""
        try:
            submission = parse_submission(body)
        except (ValueError, CheckpointError) as exc:
            return Reply(400, f"{exc}\n")
        checkpoint = submission.checkpoint
        keys = self._logs.get(checkpoint.origin)
        if keys is None:
            return Reply(404, "This witness does not know the log.\n")
        try:
            signers = [key for key in keys if note.signed_by(submission.note, key, ed25519.verify)]
        except note.NoteError:
            signers = []
        if not signers:
            return Reply(403, "No signature is by a key that this witness knows of the log.\n")
        if submission.old > checkpoint.size:
            return Reply(400, "The old size is larger than the checkpoint's.\n")
        return self._cosign(submission)

    def _cosign(self, submission: Submission) -> Reply:
        checkpoint = submission.checkpoint
        with self._open() as database:
            # the lock is taken before anything is compared: of two requests at once one sees what the other wrote
            database.execute("BEGIN IMMEDIATE")
            try:
                row = database.execute(
                    "SELECT size, root FROM cosigned WHERE origin = ?", (checkpoint.origin,)
                ).fetchone()
                size, root = (0, merkle.EMPTY_ROOT) if row is None else (int(row[0]), bytes(row[1]))
                refused = _refusal(submission, size, root)
                if refused is not None:
                    return refused
                time = int(self._now())
                database.execute(
                    "INSERT INTO cosigned (origin, size, root, note, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT (origin) DO UPDATE "
                    "SET size = excluded.size, root = excluded.root, note = excluded.note, time = excluded.time",
                    (
                        checkpoint.origin,
                        checkpoint.size,
                        checkpoint.root,
                        note.format_note(submission.note.text, submission.note.signatures),
                        time,
                    ),
                )
                database.execute("COMMIT")
            finally:
                if database.in_transaction:
                    database.execute("ROLLBACK")
        signature = self._private_key.sign(cosigned_message(submission.note.text, time))
        return Reply(200, note.format_signature_line(pack_cosignature(self.key, time, signature)))


def _refusal(submission: Submission, size: int, root: bytes) -> Reply | None:
    """Why a submission does not continue what was cosigned last, or None."""
    checkpoint, proof = submission.checkpoint, submission.proof
    if submission.old != size:
        return Reply(409, f"{size}\n", SIZE_TYPE)
    if size == checkpoint.size and root != checkpoint.root:
        return Reply(409, f"{size}\n", SIZE_TYPE)
    try:
        if size == 0 or size == checkpoint.size:
            if proof:
                raise merkle.ProofError("nothing is to be proved here: the proof is empty")
        else:
            merkle.require_consistency(size, checkpoint.size, proof, root, checkpoint.root)
    except merkle.ProofError as exc:
        return Reply(422, f"{exc}\n")
    return None


def make_witness(data: Path, key_file: Path, name: str, logs: Iterable[str], now: Callable[[], float]) -> Witness:
    """The witness of a key file and a SQLite file; both are made when they are not there."""
    return Witness(data, signing.load_or_create(key_file), name, logs, now)


class WitnessServer(ThreadingHTTPServer):
    """The witness over HTTP: ``POST /add-checkpoint``. Bounded in connections, bytes and time."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], witness: Witness) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.witness = witness
        self._places = threading.BoundedSemaphore(CONNECTIONS_LIMIT)
        super().__init__(address, _Handler)

    def process_request(self, request: socket.socket | tuple[bytes, socket.socket], client_address: object) -> None:
        """Take a connection while there is a place; more are closed at once."""
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: object, client_address: object) -> None:
        """Serve one connection, which is cut when it takes too long."""
        cut = threading.Timer(CONNECTION_SECONDS, _shut, [request])
        cut.daemon = True
        cut.start()
        try:
            super().process_request_thread(request, client_address)  # type: ignore[arg-type]
        finally:
            cut.cancel()
            self._places.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke is nobody's error."""


def _shut(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: WitnessServer
    protocol_version = "HTTP/1.1"
    server_version = "archive-service-witness"
    sys_version = ""
    timeout = 10

    def do_POST(self) -> None:
        """Answer ``add-checkpoint``; a body that cannot be bounded ends the connection."""
        length = self.headers.get("Content-Length", "")
        if self.path != "/add-checkpoint":
            self._answer(Reply(404, "A witness takes POST /add-checkpoint.\n"), is_last=True)
        elif not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > BODY_LIMIT_BYTES:
            self._answer(
                Reply(413, f"A submission has a Content-Length of at most {BODY_LIMIT_BYTES}.\n"), is_last=True
            )
        else:
            body = self.rfile.read(int(length))
            if len(body) != int(length):
                self.close_connection = True
                return
            try:
                reply = self.server.witness.add_checkpoint(body)
            except sqlite3.Error:
                # the file is locked or the disk full: nothing was cosigned, and the log asks again
                reply = Reply(503, "The witness cannot write now; ask again.\n")
            self._answer(reply)

    def _answer(self, reply: Reply, *, is_last: bool = False) -> None:
        data = reply.text.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(data)))
        if is_last:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: a witness keeps its memory in its file, not on a terminal."""
