"""The auditor's pages: what is open, what is recorded of one's own reading, and a dossier's evidence beside its steps."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from archive_service.services import audit_desk, checking, evidence, own_record
from archive_service.verifier.onefile import own_digest
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.cursors import asked_page, is_count, next_url

blueprint = Blueprint("web_auditor", __name__, url_prefix="/audit", template_folder="templates")


@blueprint.get("")
def home() -> ResponseReturnValue:
    """What is open, and until when one may look."""
    return render_template("auditor.html", d=audit_desk.read_audit_desk(get_archive(), require_actor()))


@blueprint.get("/dibaca")
def own_reads() -> ResponseReturnValue:
    """What is recorded of one's own reading."""
    page = own_record.page_reads(get_archive(), require_actor(), page=asked_page(is_count, limit=50))
    return render_template("own_reads.html", reads=page.rows, next=next_url(page))


@blueprint.get("/dibaca/<int:seq>")
def own_proof(seq: int) -> ResponseReturnValue:
    """The proof that one's own read is in the log."""
    data = own_record.write_own_proof(get_archive(), require_actor(), seq=min(seq, 10**15))
    headers = {"Content-Disposition": f'attachment; filename="read-{seq:06d}.tlog-proof"'}
    return Response(data, content_type="text/plain; charset=utf-8", headers=headers)


@blueprint.get("/dossiers/<dossier>")
def dossier(dossier: str) -> ResponseReturnValue:
    """A dossier's steps, and beside them the evidence of one."""
    step = request.args.get("step")
    found = evidence.read_evidence(get_archive(), require_actor(), dossier=dossier, step=step)
    titles = {each["performer"]: each["performer_title"] for each in found["steps"]}
    return render_template("evidence.html", d=found, chosen=found["chosen"], titles=titles)


@blueprint.get("/dossiers/<dossier>/periksa")
def check(dossier: str) -> ResponseReturnValue:
    """Verify here: what the server finds about itself; and how to verify without it."""
    archive, actor = get_archive(), require_actor()
    actor.require("audit.work")
    report = checking.check_dossier(archive, actor, dossier=dossier)
    return render_template(
        "checked.html",
        dossier=dossier,
        report=report,
        limit=checking.HERE_LIMIT_BYTES,
        digest=own_digest(),
        vkey=archive.log_key.vkey,
    )
