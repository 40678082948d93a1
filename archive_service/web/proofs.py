"""Proofs that the records of a dossier are in the log, as downloads."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from archive_service.services import proofs
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_proofs", __name__, url_prefix="/dossiers/<dossier>/proofs")


@blueprint.get("")
def all_proofs(dossier: str) -> ResponseReturnValue:
    """The proofs of all records of a dossier, as a ZIP."""
    data = proofs.write_proofs(get_archive(), require_actor(), dossier=dossier)
    return _download(data, "application/zip", f"proofs-{dossier}.zip")


@blueprint.get("/<int:seq>")
def one_proof(dossier: str, seq: int) -> ResponseReturnValue:
    """The proof of one record (C2SP tlog-proof)."""
    data = proofs.write_proof(get_archive(), require_actor(), dossier=dossier, seq=min(seq, 10**15))
    return _download(data, "text/plain; charset=utf-8", f"{dossier}-{seq:06d}.tlog-proof")


def _download(data: bytes, content_type: str, name: str) -> Response:
    return Response(data, content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
