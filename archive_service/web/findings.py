"""Findings of audits: the list, a form that a page of evidence fills in, and one finding with its next step."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.domain import finding as states
from archive_service.errors import ArchiveError, NotFound, Stale
from archive_service.services import findings, reading, samples
from archive_service.services.findings import FindingFilter, Reference
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.cursors import asked_page, is_id, is_moment, next_url
from archive_service.web.dossiers import REFUSALS, STATUS
from archive_service.web.problems import sentence_for

STATES = (
    states.CANDIDATE,
    states.CLASSIFIED,
    states.CAUSED,
    states.PLANNED,
    states.DONE,
    states.INEFFECTIVE,
    states.CLOSED,
)
OPEN = "open"
PROPOSAL_REFUSALS: tuple[type[ArchiveError], ...] = (*REFUSALS, NotFound)
STEP_REFUSALS: tuple[type[ArchiveError], ...] = (*REFUSALS, Stale)

blueprint = Blueprint("web_findings", __name__, url_prefix="/findings", template_folder="templates")


def _status(error: ArchiveError | None) -> HTTPStatus:
    if error is None:
        return HTTPStatus.OK
    if isinstance(error, Stale):
        return HTTPStatus.CONFLICT
    return next((status for kind, status in STATUS if isinstance(error, kind)), HTTPStatus.NOT_FOUND)


def _sentence(error: ArchiveError | None) -> str | None:
    if isinstance(error, Stale):
        return sentence_for("finding_elsewhere")
    return None if error is None else sentence_for(error.code, error.detail)


def _filter() -> FindingFilter:
    args = request.args
    state, kind = args.get("state"), args.get("classification")
    unit = args.get("work_unit", "")
    return FindingFilter(
        unit if len(unit) == 32 and set(unit) <= set("0123456789abcdef") else None,
        state if state in STATES else None,
        kind if kind in states.CLASSES else None,
        False if state == OPEN else None,
    )


@blueprint.get("")
def list_findings() -> ResponseReturnValue:
    """The findings within one's reach, newest first."""
    archive, actor = get_archive(), require_actor()
    page = findings.page_findings(archive, actor, wanted=_filter(), page=asked_page(is_moment, is_id))
    return render_template(
        "findings.html",
        findings=page.rows,
        next=next_url(page),
        is_filtered=any(request.args.get(name) for name in ("state", "classification", "work_unit")),
        units=reading.list_work_units(archive, actor),
        states=STATES,
        classes=states.CLASSES,
        may_propose=actor.may("finding.propose"),
        done=request.args.get("done"),
    )


@blueprint.get("/new")
def new_finding() -> ResponseReturnValue:
    """The form for a finding; a page of evidence names unit, step and what it rests on."""
    return _form_page(None)


def _form_page(error: ArchiveError | None) -> Response:
    archive, actor = get_archive(), require_actor()
    actor.require("finding.propose")
    g.shown_at = url_for("web_findings.new_finding")
    typed = request.form if request.method == "POST" else request.args
    evidence = _evidence(typed)
    unit = typed.get("work_unit", "")
    if evidence and not unit:
        found = reading.find_readable(archive, actor, dossier=evidence[0].dossier)
        if found is None:
            raise NotFound("dossier_unknown", "There is no such dossier.")
        unit = found
    page = render_template(
        "new_finding.html",
        typed=typed,
        unit=unit,
        evidence=evidence,
        units=reading.list_work_units(archive, actor),
        problem=_sentence(error),
    )
    return make_response(page, _status(error))


def _evidence(typed: Any) -> list[Reference]:
    """What the address or form names: dossier, step, document and event, in one reference."""
    dossier = typed.get("dossier", "").strip()
    if not dossier:
        return []
    return [
        Reference(dossier, typed.get("step") or None, typed.get("document") or None, typed.get("event") or None),
    ]


@blueprint.post("")
def propose_finding() -> ResponseReturnValue:
    """Propose a finding; one from a sample is noted there too."""
    archive, actor, form = get_archive(), require_actor(), request.form
    sample = form.get("sample") or None
    try:
        made = findings.propose_finding(
            archive,
            actor,
            work_unit=form.get("work_unit", ""),
            deviations=form.get("deviations", "").split(),
            text=form.get("text", ""),
            evidence=_evidence(form),
        )
    except PROPOSAL_REFUSALS as exc:
        return _form_page(exc)
    if sample is not None and form.get("dossier"):
        try:
            samples.judge_item(archive, actor, sample=sample, dossier=form["dossier"], result="finding", finding=made)
        except PROPOSAL_REFUSALS:
            # the finding stands; that the sample does not name it is seen there
            return make_response(redirect(url_for("web_findings.finding", finding=made), HTTPStatus.SEE_OTHER))
        address = url_for("web_samples.sample", sample=sample, done="finding_proposed")
        return make_response(redirect(address, HTTPStatus.SEE_OTHER))
    address = url_for("web_findings.finding", finding=made, done="finding_proposed")
    return make_response(redirect(address, HTTPStatus.SEE_OTHER))


def _finding_page(finding: str, error: ArchiveError | None) -> Response:
    archive, actor = get_archive(), require_actor()
    g.shown_at = url_for("web_findings.finding", finding=finding)
    found = findings.read_finding(archive, actor, finding=finding)
    people = reading.list_people(archive, actor) if "finding.action_set" in found["acts"] else []
    page = render_template(
        "finding.html",
        f=found,
        is_auditor=actor.may("audit.work"),
        people=[p for p in people if p["assignments"]],
        problem=_sentence(error),
        typed=request.form if error is not None else {},
        done=request.args.get("done"),
    )
    return make_response(page, _status(error))


@blueprint.get("/<finding>")
def finding(finding: str) -> ResponseReturnValue:
    """One finding, every step of it, and the next one's form."""
    return _finding_page(finding, None)


@blueprint.post("/<finding>/<step>")
def take_step(finding: str, step: str) -> ResponseReturnValue:
    """The next step of a finding, by whoever may take it; a form that is older than the last step is refused."""
    archive, actor, form = get_archive(), require_actor(), request.form
    seen = {form["seen"]} if form.get("seen") else None
    steps: dict[str, Callable[[], None]] = {
        "classification": lambda: findings.classify_finding(
            archive,
            actor,
            finding=finding,
            classification=form.get("classification", ""),
            problem=form.get("problem", ""),
            location=form.get("location") or None,
            evidence=form.get("evidence") or None,
            reference=form.get("reference") or None,
            seen=seen,
        ),
        "cause": lambda: findings.state_cause(archive, actor, finding=finding, cause=form.get("cause", ""), seen=seen),
        "action": lambda: findings.set_action(
            archive,
            actor,
            finding=finding,
            action=form.get("action", ""),
            pic=form.get("pic", ""),
            due_on=form.get("due_on", ""),
            seen=seen,
        ),
        "done": lambda: findings.finish_action(archive, actor, finding=finding, note=form.get("note", ""), seen=seen),
        "effect": lambda: findings.check_effect(
            archive,
            actor,
            finding=finding,
            is_effective=form.get("is_effective") == "yes",
            note=form.get("note", ""),
            seen=seen,
        ),
    }
    if step in steps:
        try:
            steps[step]()
        except STEP_REFUSALS as exc:
            return _finding_page(finding, exc)
        return redirect(url_for("web_findings.finding", finding=finding, done="finding_step"), HTTPStatus.SEE_OTHER)
    return redirect(url_for("web_findings.finding", finding=finding), HTTPStatus.SEE_OTHER)
