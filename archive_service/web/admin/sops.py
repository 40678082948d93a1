"""SOPs: versions and who uses them; a text checked, looked at and registered; what changed between two versions."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError, Conflict, InvalidDefinition, InvalidInput
from archive_service.flowchart import draw_flowchart
from archive_service.services import sops
from archive_service.web.admin.page import show
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_sops", __name__, url_prefix="/admin/sop")

KIND = "sop"


def sent_text() -> str:
    """The TOML text of a form: its file, or else what was typed; InvalidInput when it is neither text nor there."""
    file = request.files.get("file")
    if file is None or not file.filename:
        # a browser sends the line ends of a form as CR LF
        text = request.form.get("text", "").replace("\r\n", "\n")
    else:
        try:
            text = file.stream.read(sops.TEXT_LIMIT_BYTES + 1).decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            raise InvalidInput("not_utf8", "A definition is UTF-8 text.", field="file") from exc
    if not text.strip():
        raise InvalidInput("definition_missing", "Choose a file, or paste the text.", field="file")
    return text


@blueprint.get("")
def list_sops() -> ResponseReturnValue:
    """Every version of every SOP, when it was registered and how many dossiers use it."""
    found = sops.list_versions(get_archive(), require_actor(), kind=KIND)
    return show("sops.html", url_for("web_admin_sops.list_sops"), versions=found)


def _check_page(error: ArchiveError | None = None, text: str = "", checked: sops.Checked | None = None) -> Response:
    require_actor().require("definition.manage")
    drawn = draw_flowchart(checked.sop) if checked is not None and checked.sop is not None else None
    at = url_for("web_admin_sops.check_form")
    page = show("sop_check.html", at, error, text=text, checked=checked, flowchart=drawn)
    if error is None and checked is not None and checked.definition is None:
        page.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
    return page


@blueprint.get("/periksa")
def check_form() -> ResponseReturnValue:
    """The form that takes a new version; begun from a registered one with ``dari``."""
    digest = request.args.get("dari")
    text = "" if digest is None else sops.read_text(get_archive(), require_actor(), digest=digest)
    return _check_page(text=text)


@blueprint.post("/periksa")
def check() -> ResponseReturnValue:
    """Check a text: every problem with its line, or what it would look like; nothing is kept."""
    require_actor().require("definition.manage")
    try:
        text = sent_text()
    except InvalidInput as exc:
        return _check_page(exc, request.form.get("text", ""))
    return _check_page(None, text, sops.check_text(get_archive(), require_actor(), text=text, kind=KIND))


@blueprint.post("")
def register() -> ResponseReturnValue:
    """Register the text that was looked at as a new version."""
    archive, actor = get_archive(), require_actor()
    actor.require("definition.manage")
    text = ""
    try:
        text = sent_text()
        sops.register_text(archive, actor, text=text, kind=KIND)
    except InvalidDefinition:
        return _check_page(None, text, sops.check_text(archive, actor, text=text, kind=KIND))
    except (InvalidInput, Conflict) as exc:
        return _check_page(exc, text)
    return make_response(redirect(url_for("web_admin_sops.list_sops", done="sop_registered"), HTTPStatus.SEE_OTHER))


@blueprint.get("/<digest>/pemakaian")
def use(digest: str) -> ResponseReturnValue:
    """Which dossiers use a version, by unit and quarter."""
    archive, actor = get_archive(), require_actor()
    found = next((v for v in sops.list_versions(archive, actor, kind=KIND) if v["digest"] == digest), None)
    if found is None:
        found = next((v for v in sops.list_versions(archive, actor, kind="calendar") if v["digest"] == digest), None)
    rows = sops.read_use(archive, actor, digest=digest)
    return show(
        "sop_use.html",
        url_for("web_admin_sops.use", digest=digest),
        version=found,
        digest=digest,
        rows=rows,
        may_read=actor.may("dossier.read"),
    )


@blueprint.get("/beda")
def compare() -> ResponseReturnValue:
    """What differs between two versions of an SOP."""
    key = request.args.get("kunci", "")
    before, after = (request.args.get(name, "") for name in ("dari", "ke"))
    numbers = [int(n) if n.isascii() and n.isdigit() and len(n) <= 6 else 0 for n in (before, after)]
    old, new, found = sops.compare_versions(
        get_archive(), require_actor(), key=key, before=numbers[0], after=numbers[1]
    )
    at = url_for("web_admin_sops.compare", kunci=key, dari=numbers[0], ke=numbers[1])
    return show("sop_difference.html", at, old=old, new=new, differences=found)
