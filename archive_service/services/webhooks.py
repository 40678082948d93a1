"""Webhooks: other systems are told of notices, signed as the Standard Webhooks specification says (standardwebhooks.com, 1.0.0).

What is sent names things by their ids and holds no personal data. Signing is a line of HMAC: the specification's own library is what
the tests verify with, so that two hands agree. An address is resolved once, checked, and connected to as it was resolved: a name that
changes its address in between leads nowhere. Redirects are not followed.
"""

from __future__ import annotations

import base64
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, select, update

from archive_service import jobs
from archive_service.archive import Archive
from archive_service.db.event_log import open_streams
from archive_service.db.models import NoticeRow, WebhookRow
from archive_service.domain.event import service_actor
from archive_service.errors import Conflict, InvalidInput, NotFound
from archive_service.services.actor import Actor, event_actor
from archive_service.services.fields import clean_text, require_id, require_key

SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32
WEBHOOKS_LIMIT = 20
KINDS_LIMIT = 15
PAUSES = tuple(timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400))
"""Between the attempts at one delivery, as the specification recommends: given up after some three days."""
CONNECT_SECONDS = 5
WHOLE_SECONDS = 20
ANSWER_LIMIT_BYTES = 16 * 1024

DELIVERY = service_actor("webhooks")


@dataclass(frozen=True)
class NewWebhook:
    """A webhook as it is shown once: its id, and the secret that its receiver verifies with."""

    id: str
    secret: str


@dataclass(frozen=True)
class Address:
    """Where a webhook goes: parts of its URL, its port filled in."""

    scheme: str
    host: str
    port: int
    path: str


class Undeliverable(Exception):
    """A delivery failed; ``code`` says how, and ``is_final`` that it would again."""

    def __init__(self, code: str, *, is_final: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.is_final = is_final


def add_webhook(archive: Archive, actor: Actor, *, url: str, kinds: Sequence[str] = ()) -> NewWebhook:
    """A new webhook for notices of these kinds, or of all; its secret is shown this once."""
    assignment = actor.require("webhook.manage")
    url = clean_text("url", url, limit=2000)
    address = require_address(url, is_private_allowed=archive.settings.webhook_allow_private)
    wanted = sorted({require_key("kinds", kind) for kind in kinds})
    if len(wanted) > KINDS_LIMIT:
        raise InvalidInput("kinds_too_many", f"kinds takes up to {KINDS_LIMIT}; leave it out for all.", field="kinds")
    secret = SECRET_PREFIX + base64.b64encode(archive.make_secret(SECRET_BYTES)).decode("ascii")
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, ["service"], acting=[actor.person])
        if len(session.execute(select(WebhookRow.id)).all()) >= WEBHOOKS_LIMIT:
            raise Conflict("webhooks_full", f"There are {WEBHOOKS_LIMIT} webhooks already: remove one first.")
        webhook = writer.make_id()
        payload = {"webhook": webhook, "host": address.host, "kinds": wanted}
        writer.append(
            "service", "webhook.added", event_actor(session, actor, assignment), payload, personal={"url": url}
        )
        session.add(
            WebhookRow(
                id=webhook,
                url=url,
                secret=secret,
                kinds=" ".join(wanted),
                is_active=True,
                created_at=writer.moment,
            )
        )
    return NewWebhook(webhook, secret)


def list_webhooks(archive: Archive, actor: Actor) -> list[dict[str, Any]]:
    """Every webhook without its secret, and how its last delivery went."""
    actor.require("webhook.manage")
    with archive.db.read() as session:
        found = session.execute(select(WebhookRow).order_by(WebhookRow.id)).scalars()
        return [
            {
                "webhook": row.id,
                "url": row.url,
                "kinds": row.kinds.split(),
                "is_active": row.is_active,
                "created_at": row.created_at.isoformat(),
                "delivered_at": None if row.delivered_at is None else row.delivered_at.isoformat(),
                "error": row.error,
            }
            for row in found
        ]


def remove_webhook(archive: Archive, actor: Actor, *, webhook: str) -> None:
    """Forget a webhook with its secret; what waits for it is not sent any more."""
    assignment = actor.require("webhook.manage")
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, ["service"], acting=[actor.person])
        row = session.get(WebhookRow, require_id("webhook", webhook))
        if row is None:
            raise NotFound("webhook_unknown", "There is no such webhook.")
        payload = {"webhook": webhook, "reason": "asked"}
        writer.append("service", "webhook.removed", event_actor(session, actor, assignment), payload)
        session.execute(delete(WebhookRow).where(WebhookRow.id == webhook))


def require_address(url: str, *, is_private_allowed: bool) -> Address:
    """The parts of a webhook's URL; InvalidInput unless it is https (or http where private addresses are allowed) and names a host."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise InvalidInput("webhook_url", "url is no address such as https://host/path.", field="url") from exc
    schemes = ("https", "http") if is_private_allowed else ("https",)
    has_credentials = parts.username is not None or parts.password is not None
    is_plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment and not has_credentials
    if parts.scheme not in schemes or not parts.hostname or not is_plain or port == 0:
        raise InvalidInput(
            "webhook_url", f"url is an address such as {schemes[0]}://host/path, without log-in.", field="url"
        )
    if not is_private_allowed:
        with suppress(ValueError):
            # a name is looked up when something is sent; an address can be refused now
            if not is_public(ipaddress.ip_address(parts.hostname)):
                raise InvalidInput(
                    "webhook_private",
                    "url names an address of a private network; ARCHIVE_WEBHOOK_ALLOW_PRIVATE allows these.",
                    field="url",
                )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address lies on the open network, whatever an IPv6 address carries inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in _NAT64 or address in _NAT64_LOCAL:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """The ``webhook-signature`` of a message: version 1, HMAC-SHA256 over id, time in whole seconds and body."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{int(at.timestamp())}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, sha256)).decode("ascii")


def deliver_webhook(archive: Archive, lease: jobs.Lease, *, webhook: str, notice: str) -> None:
    """Tell a webhook of a notice; one that answers 410 Gone is told nothing more."""
    with archive.db.read() as session:
        hook, row = session.get(WebhookRow, webhook), session.get(NoticeRow, notice)
    if hook is None or row is None or not hook.is_active:
        with archive.db.write() as session:
            jobs.finish(session, lease, archive.timer())
        return
    body = json.dumps(
        {
            "type": f"notice.{row.kind}",
            "timestamp": row.created_at.isoformat().replace("+00:00", "Z"),
            "data": {
                "notice": row.id,
                "person": row.person_id,
                "dossier": row.dossier_id,
                "step": row.step,
                "iteration": row.iteration,
                "subject": row.subject,
            },
        },
        separators=(",", ":"),
    ).encode()
    at, message_id = archive.timer(), f"msg_{row.id}"
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "archive-service",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": sign(hook.secret, message_id, at, body),
    }
    with archive.db.write() as session:
        # whoever has lost the lease tells nobody
        jobs.require_lease(session, lease)
    try:
        status = _post(hook.url, body, headers, is_private_allowed=archive.settings.webhook_allow_private)
        if not 200 <= status < 300:
            raise Undeliverable(f"webhook_status_{status}", is_final=status == 410)
    except Undeliverable as exc:
        _note(archive, webhook, exc.code)
        if exc.code == "webhook_status_410":
            _retire(archive, webhook)
        is_over = exc.is_final or lease.attempts > len(PAUSES)
        raise jobs.AttemptFailed(exc.code, None if is_over else PAUSES[lease.attempts - 1]) from exc
    with archive.db.write() as session:
        session.execute(
            update(WebhookRow).where(WebhookRow.id == webhook).values(delivered_at=archive.timer(), error=None)
        )
        jobs.finish(session, lease, archive.timer())


def _note(archive: Archive, webhook: str, code: str) -> None:
    with archive.db.write() as session:
        session.execute(update(WebhookRow).where(WebhookRow.id == webhook).values(error=code))


def _retire(archive: Archive, webhook: str) -> None:
    with archive.db.write() as session:
        writer = open_streams(session, archive.log, ["service"])
        row = session.get(WebhookRow, webhook)
        if row is not None and row.is_active:
            row.is_active = False
            writer.append("service", "webhook.removed", DELIVERY, {"webhook": webhook, "reason": "gone"})


def _post(url: str, body: bytes, headers: dict[str, str], *, is_private_allowed: bool) -> int:
    """The status of the answer; Undeliverable when there is none. Redirects are answers like any other."""
    try:
        address = require_address(url, is_private_allowed=is_private_allowed)
    except InvalidInput as exc:
        raise Undeliverable(exc.code, is_final=True) from exc
    connection = _Pinned(address, _resolve(address, is_private_allowed=is_private_allowed))
    # a server that answers a byte at a time keeps within every timeout but this one
    cut = Timer(WHOLE_SECONDS, connection.cut)
    cut.daemon = True
    cut.start()
    try:
        connection.request("POST", address.path, body, headers)
        response = connection.getresponse()
        response.read(ANSWER_LIMIT_BYTES)
        return response.status
    except (OSError, http.client.HTTPException, ValueError) as exc:
        raise Undeliverable("webhook_unreachable") from exc
    finally:
        cut.cancel()
        connection.close()


def _resolve(address: Address, *, is_private_allowed: bool) -> str:
    """The one IP address that will be connected to; Undeliverable when the name has none, or leads into a private network."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as exc:
        raise Undeliverable("webhook_unreachable") from exc
    addresses = [str(entry[4][0]) for entry in found]
    if not is_private_allowed and not all(is_public(ipaddress.ip_address(a.partition("%")[0])) for a in addresses):
        raise Undeliverable("webhook_private", is_final=True)
    return addresses[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was resolved and checked before; certificate and Host are those of the name."""

    def __init__(self, address: Address, resolved: str) -> None:
        super().__init__(address.host, address.port, timeout=CONNECT_SECONDS)
        self._address = address
        self._resolved = resolved
        # http.client leaves the port out of Host when it is its own default
        self.default_port = 443 if address.scheme == "https" else 80

    def connect(self) -> None:
        """Connect to the resolved address, without any proxy."""
        self.sock = line = socket.create_connection((self._resolved, self._address.port), CONNECT_SECONDS)
        if self._address.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(line, server_hostname=self._address.host)

    def cut(self) -> None:
        """End the connection from another thread, whatever it waits for."""
        line = self.sock
        if line is not None:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
