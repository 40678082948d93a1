"""Webhooks: who is told of notices outside of the house; for administrators."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import jsonify
from flask.typing import ResponseReturnValue
from pydantic import Field

from archive_service.api.auth import get_archive, require_actor
from archive_service.api.body import Answer, Body
from archive_service.api.operation import operation
from archive_service.services import webhooks

blueprint = APIBlueprint("api_webhooks", __name__, url_prefix="/api/v1/webhooks", tag="webhooks")


class WebhookBody(Body):
    """Where notices go to, and of which kinds; without kinds all."""

    url: str
    kinds: list[str] = Field(default_factory=list)


class NewWebhook(Answer):
    """A webhook; its secret is shown this once."""

    webhook: str
    secret: str = Field(description="What its receiver verifies signatures with (Standard Webhooks).")


class ReadWebhook(Answer):
    """A webhook without its secret; ``error`` is how its last delivery failed."""

    webhook: str
    url: str
    kinds: list[str]
    is_active: bool
    created_at: str
    delivered_at: str | None
    error: str | None


class WebhookList(Answer):
    """Every webhook; there are few."""

    webhooks: list[ReadWebhook]


@blueprint.get("")
@operation(answer=WebhookList)
def list_webhooks() -> ResponseReturnValue:
    """Every webhook, without their secrets."""
    return jsonify({"webhooks": webhooks.list_webhooks(get_archive(), require_actor())})


@blueprint.post("")
@operation(answer=NewWebhook, status=201, body=WebhookBody, refuses=[409])
def add_webhook(body: WebhookBody) -> ResponseReturnValue:
    """A new webhook; its secret is shown this once.

    There is no Idempotency-Key here: to give the same answer again, the service would have to keep the secret a second time.
    """
    made = webhooks.add_webhook(get_archive(), require_actor(), url=body.url, kinds=body.kinds)
    return jsonify({"webhook": made.id, "secret": made.secret}), 201


@blueprint.delete("/<id:webhook>")
@operation(status=204)
def remove_webhook(webhook: str) -> ResponseReturnValue:
    """Forget a webhook; what waits for it is not sent any more."""
    webhooks.remove_webhook(get_archive(), require_actor(), webhook=webhook)
    return "", 204
