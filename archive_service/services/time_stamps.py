"""Time-stamp authorities (RFC 3161): asked for a token over a checkpoint, and their answers kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from sqlalchemy import select
from sqlalchemy.orm import Session

from archive_service.archive import Archive
from archive_service.db.models import CheckpointRow, EventRow, LogLeafRow, TimeStampRow
from archive_service.db.session import insert_unless_there
from archive_service.domain import note
from archive_service.posting import Unreachable, post
from archive_service.services.actor import office_date
from archive_service.services.vouchers import NotVouched
from archive_service.verifier.time_stamp import SHA256_OID, TOKEN_LIMIT_BYTES, TimeStamp, TokenError, parse_time_stamp

ANSWER_SECONDS = 15.0
CLOCK_SLACK = timedelta(minutes=5)


@dataclass(frozen=True)
class Authority:
    """A time-stamp authority: where it answers, and the certificates that its tokens are verified with when they come."""

    url: str
    ca_file: Path | None = None


def authorities_of(archive: Archive) -> list[Authority]:
    """The authorities that the settings name."""
    return [Authority(url, ca_file) for url, ca_file in archive.settings.authorities]


def is_token_due(session: Session, authority: Authority, checkpoint: CheckpointRow) -> bool:
    """Whether a checkpoint is stamped: the first of its day in the office's zone, and the first that covers a seal."""
    last = session.execute(
        select(TimeStampRow.size, CheckpointRow.signed_at)
        .join(CheckpointRow, CheckpointRow.size == TimeStampRow.size)
        .where(TimeStampRow.authority == authority.url)
        .order_by(TimeStampRow.size.desc())
        .limit(1)
    ).first()
    if last is None or office_date(last.signed_at) != office_date(checkpoint.signed_at):
        return True
    seal = session.execute(
        select(LogLeafRow.leaf_index)
        .join(EventRow, EventRow.leaf_hash == LogLeafRow.leaf_hash)
        .where(
            LogLeafRow.leaf_index >= last.size,
            LogLeafRow.leaf_index < checkpoint.size,
            EventRow.type == "dossier.sealed",
        )
        .limit(1)
    ).first()
    return seal is not None


def ask_authority(archive: Archive, authority: Authority, checkpoint: CheckpointRow) -> None:
    """Have an authority stamp a checkpoint's text and keep its response.

    NotVouched when there is none, it stamps something else, or it does not verify under the certificates that were given.
    """
    text = note.parse_note(checkpoint.note).text.encode()
    request = TimestampRequestBuilder().data(text).hash_algorithm(HashAlgorithm.SHA256).build()
    try:
        answer = post(
            authority.url,
            request.as_bytes(),
            {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
            limit_bytes=TOKEN_LIMIT_BYTES,
            seconds=ANSWER_SECONDS,
        )
    except Unreachable as exc:
        raise NotVouched(f"it cannot be reached ({exc})") from exc
    if answer.status != 200:
        raise NotVouched(f"it answered {answer.status}")
    stamp = require_imprint(answer.body, text)
    if stamp.nonce != request.nonce:
        raise NotVouched("its answer belongs to another request")
    now = archive.timer()
    if abs(stamp.at - now) > CLOCK_SLACK:
        raise NotVouched(f"its clock says {stamp.at:%Y-%m-%d %H:%M:%S} UTC, ours {now:%Y-%m-%d %H:%M:%S}")
    is_verified = authority.ca_file is not None and verify_token(answer.body, text, authority.ca_file)
    values = {
        "size": checkpoint.size,
        "authority": authority.url,
        "token": answer.body,
        "stamped_at": stamp.at,
        "is_verified": is_verified,
        "kept_at": now,
    }
    with archive.db.write() as session:
        # asked first: the guard of SQLite's table refuses even an INSERT that would do nothing
        if session.get(TimeStampRow, (checkpoint.size, authority.url)) is None:
            insert_unless_there(session, TimeStampRow, values)


def require_imprint(token: bytes, text: bytes) -> TimeStamp:
    """What a token says, when its imprint is the SHA-256 of this text; NotVouched otherwise."""
    try:
        stamp = parse_time_stamp(token)
    except TokenError as exc:
        raise NotVouched(f"its answer is no time-stamp: {exc}") from exc
    if stamp.algorithm != SHA256_OID or stamp.imprint != sha256(text).digest():
        raise NotVouched("it stamped something else")
    return stamp


def verify_token(token: bytes, text: bytes, ca_file: Path) -> bool:
    """Whether a token over this text verifies under the CA's certificates in a PEM file; NotVouched when it is wrong under them.

    False when the library cannot read it: OpenSSL 3.0 puts several certificates into a token in an order that DER forbids. Such a token
    is kept, and ``openssl ts -verify`` says whether it holds.
    """
    try:
        certificates = x509.load_pem_x509_certificates(ca_file.read_bytes())
    except OSError as exc:
        raise NotVouched(f"the certificates in {ca_file} cannot be read ({exc.strerror})") from exc
    except ValueError as exc:
        raise NotVouched(f"there are no certificates in {ca_file}") from exc
    try:
        response = decode_timestamp_response(token)
    except ValueError:
        return False
    builder = VerifierBuilder()
    for certificate in certificates:
        builder = builder.add_root_certificate(certificate)
    try:
        return builder.build().verify_message(response, text)
    except (VerificationError, ValueError) as exc:
        raise NotVouched(f"its token does not verify under {ca_file.name}: {exc}"[:300]) from exc
