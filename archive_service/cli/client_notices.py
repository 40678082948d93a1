"""Commands that talk to a running service about notices, the webhooks that are told of them, and audits."""

from __future__ import annotations

import click

from archive_service.cli.connection import connect
from archive_service.cli.listing import AS_JSON, show_rows

COLUMNS = ("notice", "kind", "dossier", "step", "iteration", "due_at", "created_at", "read_at")


@click.group(invoke_without_command=True)
@click.pass_context
def notices(ctx: click.Context) -> None:
    """What you are told: steps that became yours, reminders."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_notices)


@notices.command("list")
@click.option("--all", "is_all", is_flag=True, help="Those that you have read, too.")
@AS_JSON
def list_notices(is_all: bool = False, is_json: bool = False) -> None:
    """Your notices that you have not read, newest first."""
    found = connect().rows("/api/v1/notices", "notices", unread=None if is_all else "true")
    show_rows(found, COLUMNS, is_json)


@notices.command("read")
@click.argument("notice_ids", metavar="[NOTICE]...", nargs=-1)
def mark_read(notice_ids: tuple[str, ...]) -> None:
    """Mark notices as read; all of them when none is named."""
    service = connect()
    for notice in notice_ids:
        service.call("POST", f"/api/v1/notices/{notice}/read")
    count = len(notice_ids) if notice_ids else service.call("POST", "/api/v1/notices/read")["read"]
    click.echo(f"Marked as read: {count}.")


@click.group()
def webhook() -> None:
    """Addresses that are told of notices, for administrators."""


@webhook.command("list")
@AS_JSON
def list_webhooks(is_json: bool) -> None:
    """Every webhook, without their secrets."""
    found = connect().call("GET", "/api/v1/webhooks")["webhooks"]
    if not is_json:
        for row in found:
            row["kinds"] = ", ".join(row["kinds"]) or "all"
    show_rows(found, ("webhook", "url", "kinds", "is_active", "delivered_at", "error"), is_json)


@webhook.command("add")
@click.argument("url")
@click.option("--kind", "kinds", multiple=True, help="A kind of notice, such as overdue; all when left out.")
def add_webhook(url: str, kinds: tuple[str, ...]) -> None:
    """Tell an address of notices; the secret that it verifies with is printed this once."""
    made = connect().call("POST", "/api/v1/webhooks", json={"url": url, "kinds": list(kinds)})
    click.echo(f"webhook {made['webhook']}", err=True)
    click.echo(made["secret"])


@webhook.command("remove")
@click.argument("webhook_id", metavar="WEBHOOK")
def remove_webhook(webhook_id: str) -> None:
    """Tell an address nothing more."""
    connect().call("DELETE", f"/api/v1/webhooks/{webhook_id}")
    click.echo("The webhook is removed.")


@click.group()
def audit() -> None:
    """Audits of the whole archive, for auditors and administrators."""


@audit.command("list")
@AS_JSON
def list_audits(is_json: bool) -> None:
    """What the newest audits found, the newest first."""
    found = connect().call("GET", "/api/v1/log/audits")["audits"]
    if not is_json:
        for row in found:
            row["listed"] = ", ".join(f"{d['code']} {d['place']}" for d in row["listed"])
    show_rows(found, ("at", "discrepancies", "events", "rows", "objects", "listed"), is_json)


@audit.command("start")
@click.option("--objects", is_flag=True, help="Hash every stored object too.")
def start_audit(objects: bool) -> None:
    """Have the archive audited now; `audit list` shows the outcome when it is done."""
    connect().call("POST", "/api/v1/log/audits", json={"with_objects": objects})
    click.echo("The audit is queued.")
