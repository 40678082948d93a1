"""Answers that the servers of the other tests do not give, as the documents of AWS S3 and MinIO tell them, from a socket that plays them."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from archive_service.errors import Conflict, NotFound, Unavailable
from archive_service.storage.s3 import PART_BYTES, S3Store
from servers.s3 import S3Access
from tests.s3 import make_store

MARK = "a-version-id-of-this-server"
NO_VERSIONS = "<ListVersionsResult><Name>archive</Name><IsTruncated>false</IsTruncated></ListVersionsResult>"
COMPLETED = '<?xml version="1.0" encoding="UTF-8"?><CompleteMultipartUploadResult><Key>objects/a</Key></CompleteMultipartUploadResult>'


def error(code: str, message: str = "") -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


def listing(size: int) -> str:
    version = (
        f"<Version><Key>objects/a</Key><VersionId>{MARK}</VersionId><Size>{size}</Size>"
        "<LastModified>2026-03-13T02:00:00.000Z</LastModified></Version>"
    )
    return NO_VERSIONS.replace("<IsTruncated>", f"{version}<IsTruncated>")


@dataclass
class Answer:
    """What a request of this method gets whose address holds ``part``; the headers of a PUT say nothing of themselves."""

    method: str
    part: str
    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


class Played:
    """A server that knows a few answers, the latest first, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, str]] = []
        played = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                played.asked.append((self.command, self.path))
                found = next(a for a in reversed(played.answers) if a.method == self.command and a.part in self.path)
                body = found.body.encode()
                self.send_response(found.status)
                for name, value in {"ETag": f'"{md5(sent).hexdigest()}"', **found.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/xml")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, format: str, *values: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def on(self, method: str, part: str, status: int, body: str = "", **headers: str) -> None:
        """Answer so from now on."""
        self.answers.append(Answer(method, part, status, body, {k.replace("_", "-"): v for k, v in headers.items()}))

    def count(self, method: str, part: str) -> int:
        """How often it was asked so."""
        return sum(1 for asked, path in self.asked if asked == method and part in path)


@pytest.fixture
def played() -> Iterator[Played]:
    server = Played()
    server.on("GET", "versions", 200, NO_VERSIONS)
    thread = threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.server.shutdown()
    server.server.server_close()
    thread.join()


@pytest.fixture
def store(played: Played) -> Iterator[S3Store]:
    made = make_store(S3Access(played.endpoint, "key", "secret"), bucket="archive")
    yield made
    made.close()


def test_what_can_be_no_version_id_is_no_object(played: Played, store: S3Store) -> None:
    refused = error("InvalidArgument", "Invalid version id specified")
    played.on("HEAD", "versionId=1", 400)
    for method in ("GET", "DELETE", "PUT"):
        played.on(method, "versionId=1", 400, refused)
    with pytest.raises(NotFound):
        store.stat("objects/a", "1")
    with pytest.raises(NotFound):
        store.read_range("objects/a", "1", 0, 1)
    with pytest.raises(NotFound):
        store.hold("objects/a", "1", True)
    store.delete("objects/a", "1")
    assert played.count("DELETE", "versionId=1") == 1


def test_another_bad_request_is_no_missing_object(played: Played, store: S3Store) -> None:
    played.on("HEAD", "objects/a", 400)
    played.on("GET", "objects/a", 400, error("AuthorizationHeaderMalformed", "the region is wrong"))
    with pytest.raises(Unavailable) as caught:
        store.stat("objects/a", MARK)
    assert "AuthorizationHeaderMalformed" in caught.value.detail


def test_a_lock_that_is_refused_in_other_words_is_a_lock(played: Played, store: S3Store) -> None:
    played.on("DELETE", "objects/a", 400, error("InvalidRequest", "Object is WORM protected and cannot be overwritten"))
    played.on("HEAD", "objects/a", 200, x_amz_object_lock_retain_until_date="2999-01-01T00:00:00.123456789Z")
    with pytest.raises(Conflict) as caught:
        store.delete("objects/a", MARK)
    assert caught.value.code == "object_locked"
    played.on("HEAD", "objects/a", 200)
    with pytest.raises(Unavailable):
        store.delete("objects/a", MARK)


def test_a_lock_without_a_readable_end_is_not_taken_for_none(played: Played, store: S3Store) -> None:
    played.on("HEAD", "objects/a", 200, x_amz_object_lock_retain_until_date="next Tuesday")
    with pytest.raises(Unavailable) as caught:
        store.stat("objects/a", MARK)
    assert "next Tuesday" in caught.value.detail


def test_a_failure_that_comes_with_status_200_is_a_failure(played: Played, store: S3Store) -> None:
    played.on("POST", "uploads", 200, "<R><UploadId>one</UploadId></R>")
    played.on("PUT", "uploadId=one", 200)
    played.on("POST", "uploadId=one", 200, error("InternalError"), x_amz_version_id=MARK)
    played.on("DELETE", "uploadId=one", 204)
    upload = store.begin("objects/a", limit_bytes=10**9)
    upload.append(b"x" * (PART_BYTES + 1))
    with pytest.raises(Unavailable) as caught:
        upload.finish()
    assert "InternalError" in caught.value.detail
    assert played.count("DELETE", "uploadId=one") == 1


def test_blanks_before_a_late_success_are_read_over(played: Played, store: S3Store) -> None:
    played.on("POST", "uploads", 200, "<R><UploadId>one</UploadId></R>")
    played.on("PUT", "uploadId=one", 200)
    played.on("POST", "uploadId=one", 200, "\n  \n" + COMPLETED, x_amz_version_id=MARK)
    upload = store.begin("objects/a", limit_bytes=10**9)
    upload.append(b"x" * (PART_BYTES + 1))
    played.on("GET", "versions", 200, listing(PART_BYTES + 1))
    assert upload.finish().version_id == MARK
    assert [path.partition("partNumber=")[2][0] for asked, path in played.asked if asked == "PUT"] == ["1", "2"]


def test_an_encrypting_server_may_have_its_own_etags(played: Played, store: S3Store) -> None:
    encrypted = {"ETag": '"0123456789abcdef0123456789abcdef"', "x-amz-version-id": MARK}
    played.on("PUT", "objects/a", 200, **encrypted, **{"x-amz-server-side-encryption": "aws:kms"})
    upload = store.begin("objects/a", limit_bytes=10)
    upload.append(b"x")
    played.on("GET", "versions", 200, listing(1))
    assert upload.finish().version_id == MARK


def test_an_object_of_another_size_than_was_sent_is_removed(played: Played, store: S3Store) -> None:
    played.on("PUT", "objects/a", 200, x_amz_version_id=MARK)
    played.on("DELETE", f"versionId={MARK}", 204)
    upload = store.begin("objects/a", limit_bytes=10)
    upload.append(b"xyz")
    played.on("GET", "versions", 200, listing(2))
    with pytest.raises(Unavailable) as caught:
        upload.finish()
    assert "did not keep what was sent" in caught.value.detail
    assert played.count("DELETE", f"versionId={MARK}") == 1


def test_two_conditional_writes_at_once_are_a_conflict(played: Played, store: S3Store) -> None:
    played.on("PUT", "objects/a", 409, error("ConditionalRequestConflict"))
    upload = store.begin("objects/a", limit_bytes=10)
    with pytest.raises(Conflict) as caught:
        upload.finish()
    assert caught.value.code == "object_exists"


def test_a_busy_server_is_asked_again_to_read_and_never_to_write(played: Played, store: S3Store) -> None:
    upload = store.begin("objects/a", limit_bytes=10)
    for method in ("GET", "HEAD", "PUT"):
        played.on(method, "objects/a", 503, error("SlowDown") if method != "HEAD" else "")
    with pytest.raises(Unavailable) as caught:
        upload.finish()
    assert "SlowDown" in caught.value.detail and played.count("PUT", "objects/a") == 1
    with pytest.raises(Unavailable):
        store.read_range("objects/a", MARK, 0, 1)
    assert played.count("GET", "objects/a") == 3
    with pytest.raises(Unavailable):
        store.stat("objects/a", MARK)


def test_a_server_that_heeds_no_range_is_not_believed(played: Played, store: S3Store) -> None:
    played.on("GET", "objects/a", 200, "all of it")
    with pytest.raises(Unavailable):
        store.read_range("objects/a", MARK, 4, 2)


@pytest.mark.parametrize("page", ["<html><body>Welcome to nginx!<br></body>", "<html/>", "", "no such thing"])
def test_a_page_that_is_no_answer_of_s3_is_said_plainly(played: Played, store: S3Store, page: str) -> None:
    played.on("GET", "", 200, page)
    for attempt in (lambda: list(store.list_objects("")), lambda: store.begin("a", limit_bytes=1)):
        with pytest.raises(Unavailable) as caught:
            attempt()
        assert caught.value.code == "store_unavailable"
