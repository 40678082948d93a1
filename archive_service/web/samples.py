"""Random samples for auditors: the form, what was drawn and why it could not be chosen, how far it is looked through."""

from __future__ import annotations

from http import HTTPStatus

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from archive_service.domain.sample import SIZE_LIMIT
from archive_service.errors import ArchiveError, Conflict, InvalidInput
from archive_service.services import reading, samples
from archive_service.services.samples import PopulationFilter
from archive_service.services.spreadsheet import MEDIA_TYPES
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.cursors import asked_page, is_id, next_url
from archive_service.web.problems import sentence_for
from archive_service.web.wording import word_for

QUARTERS_BACK = 8

blueprint = Blueprint("web_samples", __name__, url_prefix="/sampel", template_folder="templates")


def _page(error: ArchiveError | None) -> Response:
    archive, actor = get_archive(), require_actor()
    g.shown_at = url_for("web_samples.list_samples")
    page = samples.page_samples(archive, actor, page=asked_page(is_id))
    text = render_template(
        "samples.html",
        samples=page.rows,
        next=next_url(page) if request.method == "GET" else None,
        units=reading.list_work_units(archive, actor),
        sops=[s for s in reading.list_sops(archive, actor) if s["is_newest"]],
        periods=_periods(),
        limit=SIZE_LIMIT,
        typed=request.form if error is not None else {},
        typed_units=request.form.getlist("unit"),
        typed_periods=request.form.getlist("period"),
        problem=None if error is None else sentence_for(error.code, error.detail),
    )
    return make_response(text, HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY)


def _periods() -> list[str]:
    now = get_archive().log.clock()
    count = now.year * 4 + (now.month - 1) // 3
    return [f"{each // 4}-{each % 4 + 1}" for each in range(count, count - QUARTERS_BACK, -1)]


@blueprint.get("")
def list_samples() -> ResponseReturnValue:
    """The samples that auditors drew, and the form for a new one."""
    return _page(None)


@blueprint.post("")
def draw_sample() -> ResponseReturnValue:
    """Draw a sample."""
    form = request.form
    size = form.get("size", "")
    try:
        wanted = PopulationFilter(
            form.get("sop") or None,
            form.get("status") or None,
            form.get("step") or None,
            tuple(form.getlist("unit")),
            tuple(form.getlist("period")),
        )
        made = samples.draw_sample(
            get_archive(),
            require_actor(),
            wanted=wanted,
            size=int(size) if size.isascii() and size.isdigit() and len(size) <= 4 else 0,
            seed=form.get("seed", "").strip() or None,
        )
    except InvalidInput as exc:
        return _page(exc)
    return redirect(url_for("web_samples.sample", sample=made), HTTPStatus.SEE_OTHER)


@blueprint.get("/<sample>")
def sample(sample: str) -> ResponseReturnValue:
    """One sample: seed, list, and each dossier with what was said of it."""
    return _sample_page(sample, None)


def _sample_page(sample: str, error: ArchiveError | None) -> Response:
    archive, actor = get_archive(), require_actor()
    g.shown_at = url_for("web_samples.sample", sample=sample)
    found = samples.read_sample(archive, actor, sample=sample)
    units = {unit["work_unit"]: unit["name"] for unit in reading.list_work_units(archive, actor)}
    text = render_template(
        "sample.html",
        s=found,
        units=units,
        problem=None if error is None else sentence_for(error.code, error.detail),
        done=request.args.get("done"),
    )
    status = HTTPStatus.CONFLICT if isinstance(error, Conflict) else HTTPStatus.UNPROCESSABLE_ENTITY
    return make_response(text, HTTPStatus.OK if error is None else status)


@blueprint.post("/<sample>/<dossier>")
def judge_item(sample: str, dossier: str) -> ResponseReturnValue:
    """Say how one dossier of the sample was."""
    form = request.form
    try:
        samples.judge_item(
            get_archive(),
            require_actor(),
            sample=sample,
            dossier=dossier,
            result=form.get("result", ""),
            note=form.get("note"),
        )
    except (InvalidInput, Conflict) as exc:
        return _sample_page(sample, exc)
    address = url_for("web_samples.sample", sample=sample, done="sample_judged", _anchor=f"d-{dossier}")
    return redirect(address, HTTPStatus.SEE_OTHER)


@blueprint.get("/<sample>/population.txt")
def population(sample: str) -> ResponseReturnValue:
    """The frozen list, to draw again elsewhere."""
    data = samples.read_population(get_archive(), require_actor(), sample=sample)
    headers = {"Content-Disposition": 'attachment; filename="population.txt"'}
    return Response(data, content_type="text/plain; charset=us-ascii", headers=headers)


@blueprint.get("/<sample>/export")
def export(sample: str) -> ResponseReturnValue:
    """The sample as a spreadsheet with headings in the page's language."""
    headings = [
        gettext("Place in the draw"),
        gettext("Dossier"),
        gettext("Title"),
        gettext("Work unit"),
        gettext("Period"),
        gettext("State"),
        gettext("Result"),
        gettext("Note"),
    ]
    kind = "csv" if request.args.get("format") == "csv" else "xlsx"
    data, name = samples.export_sample(
        get_archive(), require_actor(), sample=sample, kind=kind, headings=headings, words=word_for
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, mimetype=MEDIA_TYPES[kind], headers=headers)
