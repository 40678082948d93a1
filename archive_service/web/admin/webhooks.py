"""Webhooks: which other systems are told of notices; a new one, whose secret is shown once, and none any more."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from archive_service.errors import ArchiveError
from archive_service.services import webhooks
from archive_service.web.admin.page import act, show
from archive_service.web.auth import get_archive, require_actor
from archive_service.web.dossiers import REFUSALS

blueprint = Blueprint("web_admin_webhooks", __name__, url_prefix="/admin/webhook")


def _page(error: ArchiveError | None = None, made: webhooks.NewWebhook | None = None) -> Response:
    found = webhooks.list_webhooks(get_archive(), require_actor())
    return show("webhooks.html", url_for("web_admin_webhooks.list_webhooks"), error, webhooks=found, made=made)


@blueprint.get("")
def list_webhooks() -> ResponseReturnValue:
    """Every webhook, and how its last delivery went."""
    return _page()


@blueprint.post("")
def add_webhook() -> ResponseReturnValue:
    """A new webhook: the page that answers is the only one that ever shows its secret, so there is no way on from here."""
    form = request.form
    try:
        made = webhooks.add_webhook(
            get_archive(), require_actor(), url=form.get("url", ""), kinds=form.get("kinds", "").split()
        )
    except REFUSALS as exc:
        return _page(exc)
    return _page(made=made)


@blueprint.post("/<webhook>/hapus")
def remove_webhook(webhook: str) -> ResponseReturnValue:
    """Tell it nothing more."""
    return act(
        lambda: webhooks.remove_webhook(get_archive(), require_actor(), webhook=webhook),
        _page,
        url_for("web_admin_webhooks.list_webhooks", done="webhook_removed"),
    )
