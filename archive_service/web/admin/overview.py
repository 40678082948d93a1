"""How the service stands: health, jobs, log, store, mail, room used, settings."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import oversight
from archive_service.web.admin.page import act, show
from archive_service.web.admin.sop_words import sop_field_text
from archive_service.web.auth import get_archive, require_actor

blueprint = Blueprint("web_admin_overview", __name__, url_prefix="/admin")
blueprint.add_app_template_filter(sop_field_text, "sop_field")
blueprint.add_app_template_global(lambda: require_actor().may("service.manage"), "may_oversee")


def _page(error: ArchiveError | None = None) -> Response:
    found = oversight.read_overview(get_archive(), require_actor())
    return show("overview.html", url_for("web_admin_overview.overview"), error, o=found)


@blueprint.get("")
def overview() -> ResponseReturnValue:
    """The state of everything that the service needs."""
    return _page()


@blueprint.post("/pekerjaan/<job>/ulang")
def retry_job(job: str) -> ResponseReturnValue:
    """Try a job again that was given up."""
    return act(
        lambda: oversight.retry_job(get_archive(), require_actor(), job=job),
        _page,
        url_for("web_admin_overview.overview", done="job_retried", _anchor="jobs"),
    )
