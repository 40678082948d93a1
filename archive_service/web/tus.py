"""Resumable uploads for browsers: tus 1.0.0 with creation, expiration and termination (https://tus.io/protocols/resumable-upload).

``POST …/uploads`` begins one, ``HEAD`` says where it stands, ``PATCH`` appends, ``GET`` says what became of it, ``DELETE`` forgets it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, jsonify, make_response, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import http_date

from archive_service.errors import InvalidInput
from archive_service.services import partial_uploads
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.problems import sentence_for
from archive_service.web.uploads import CHUNK_BYTES, upload_slot

VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"

blueprint = Blueprint("web_tus", __name__, url_prefix="/dossiers/<dossier>")


@blueprint.get("/uploads")
def list_uploads(dossier: str) -> ResponseReturnValue:
    """What this person began to send to the dossier and did not finish, for the script that looks for the same file."""
    found = partial_uploads.list_unfinished(get_archive(), require_actor(), dossier=dossier)
    return jsonify({"uploads": [_shown(dossier, one) for one in found]})


@blueprint.post("/steps/<step>/uploads")
def begin_upload(dossier: str, step: str) -> ResponseReturnValue:
    """Begin an upload, or find the one of the same file again; its address is in Location."""
    _require_version()
    told = _metadata()
    submission = (told.get("application", ""), told.get("address", ""), told.get("number", ""))
    wish = partial_uploads.Wish(
        step=step,
        kind=told.get("kind", ""),
        file_name=told.get("filename", ""),
        size=_whole("Upload-Length"),
        fingerprint=told.get("fingerprint", ""),
        document=told.get("document") or None,
        indicator=told.get("indicator") or None,
        submission=submission if any(submission) else None,
    )
    upload = partial_uploads.begin_upload(get_archive(), require_actor(), dossier=dossier, wish=wish)
    response = make_response("", HTTPStatus.CREATED)
    response.headers["Location"] = url_for("web_tus.show_upload", dossier=dossier, upload=upload)
    return _spoken(
        response, partial_uploads.find_upload(get_archive(), require_actor(), dossier=dossier, upload=upload)
    )


@blueprint.get("/uploads/<upload>")
def show_upload(dossier: str, upload: str) -> ResponseReturnValue:
    """Where an upload stands; by GET also what became of it."""
    found = partial_uploads.find_upload(get_archive(), require_actor(), dossier=dossier, upload=upload)
    return _spoken(jsonify(_shown(dossier, found)), found)


@blueprint.patch("/uploads/<upload>")
def append_bytes(dossier: str, upload: str) -> ResponseReturnValue:
    """Append a piece; what arrived before the line was cut counts."""
    _require_version()
    if request.mimetype != PIECE:
        raise InvalidInput("piece_expected", f"Send the piece as {PIECE}.")
    with upload_slot():
        found = partial_uploads.append_bytes(
            get_archive(),
            require_actor(),
            dossier=dossier,
            upload=upload,
            offset=_whole("Upload-Offset"),
            chunks=_pieces(),
        )
    return _spoken(make_response("", HTTPStatus.NO_CONTENT), found)


@blueprint.delete("/uploads/<upload>")
def discard_upload(dossier: str, upload: str) -> ResponseReturnValue:
    """Forget an upload and its bytes."""
    partial_uploads.discard_upload(get_archive(), require_actor(), dossier=dossier, upload=upload)
    response = make_response("", HTTPStatus.NO_CONTENT)
    response.headers["Tus-Resumable"] = VERSION
    return response


def _pieces() -> Iterator[bytes]:
    """The body as it arrives; a cut line ends it, and what came before is kept by whoever takes it."""
    try:
        while chunk := request.stream.read(CHUNK_BYTES):
            yield chunk
    except (ClientDisconnected, OSError):
        return


def _require_version() -> None:
    if request.headers.get("Tus-Resumable") != VERSION:
        raise InvalidInput("tus_version", f"Send Tus-Resumable: {VERSION}.")


def _whole(name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise InvalidInput("header_missing", f"Send {name} as a whole number of bytes.")
    return int(text)


def _metadata() -> dict[str, str]:
    """``Upload-Metadata``: names with base64 values, parted by commas."""
    found = {}
    for pair in filter(None, request.headers.get("Upload-Metadata", "").split(",")):
        name, _, value = pair.strip().partition(" ")
        try:
            found[name] = base64.b64decode(value, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError) as exc:
            raise InvalidInput("metadata_unreadable", "Upload-Metadata has names with base64 values.") from exc
    return found


def _spoken(response: Response, found: dict[str, Any]) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Upload-Offset"] = str(found["offset"])
    response.headers["Upload-Length"] = str(found["size"])
    response.headers["Upload-Expires"] = http_date(found["expires_at"])
    return response


def _shown(dossier: str, found: dict[str, Any]) -> dict[str, Any]:
    shown = {name: found[name] for name in ("upload", "step", "kind", "file_name", "size", "offset", "fingerprint")}
    answer = found["answer"]
    if answer is None:
        return {**shown, "url": url_for("web_tus.show_upload", dossier=dossier, upload=found["upload"])}
    if "code" in answer:
        return {**shown, "sentence": sentence_for(answer["code"], answer["detail"])}
    receipt = url_for("web_uploads.receipt", dossier=dossier, version=answer["version"])
    return {**shown, "version": answer["version"], "digest": answer["digest"], "receipt": receipt}
