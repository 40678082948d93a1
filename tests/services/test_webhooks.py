"""Webhooks to a real HTTP server: signed as the specification's own library verifies, tried again, and never into private networks."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from archive_service import jobs, runner
from archive_service.db.event_log import read_stream
from archive_service.db.models import JobRow, WebhookRow
from archive_service.errors import Conflict, Forbidden, InvalidInput, NotFound
from archive_service.services import audit, webhooks
from tests.certificates import make_certificate
from tests.hook_server import HookServer
from tests.office import Office


@pytest.fixture(scope="module")
def running() -> Iterator[HookServer]:
    server = HookServer().start()
    yield server
    server.stop()


@pytest.fixture
def hooks(running: HookServer) -> HookServer:
    for path in running.folder.glob("*.json"):
        path.unlink()
    running.answer(204)
    return running


@pytest.fixture
def office(lite: Office) -> Office:
    lite.archive.settings.webhook_allow_private = True
    lite.at("2026-03-13T09:10")
    return lite


def work_off(office: Office, after: timedelta = timedelta()) -> None:
    later = replace(office.archive, timer=lambda: datetime.now(UTC) + after)
    while runner.run_next_job(later):
        pass


def deliveries(office: Office) -> list[JobRow]:
    with office.archive.db.read() as session:
        return list(session.execute(select(JobRow).where(JobRow.name == "deliver_webhook")).scalars())


def the_webhook(office: Office) -> dict[str, object]:
    (found,) = webhooks.list_webhooks(office.archive, office.actor("admin"))
    return found


def test_a_notice_is_told_signed_and_with_ids_alone(office: Office, hooks: HookServer) -> None:
    made = webhooks.add_webhook(office.archive, office.actor("admin"), url=hooks.url)
    dossier = office.open()
    work_off(office)
    (got,) = hooks.received()
    assert got.path == "/hooks?of=archive" and got.headers["Host"] == f"127.0.0.1:{hooks.port}"
    told = Webhook(made.secret).verify(got.body, got.headers)
    assert told["type"] == "notice.step_yours" and told["timestamp"].endswith("Z")
    assert told["data"].keys() == {"notice", "person", "dossier", "step", "iteration", "subject"}
    assert (told["data"]["dossier"], told["data"]["person"]) == (dossier, office.persons["ratna"])
    assert b"Ratna" not in got.body and b"triwulan" not in got.body
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(got.body.replace(b"step_yours", b"step_ours!"), got.headers)
    assert the_webhook(office)["delivered_at"] is not None and the_webhook(office)["error"] is None


def test_a_failed_delivery_is_repeated_with_the_same_id(office: Office, hooks: HookServer) -> None:
    webhooks.add_webhook(office.archive, office.actor("admin"), url=hooks.url)
    hooks.answer(500, 302, 204)
    office.open()
    work_off(office)
    (row,) = deliveries(office)
    assert (row.state, row.error) == (jobs.READY, "webhook_status_500")
    assert the_webhook(office)["error"] == "webhook_status_500"
    work_off(office, timedelta(seconds=6))
    (row,) = deliveries(office)
    assert row.error == "webhook_status_302", "no redirect is followed"
    work_off(office, timedelta(seconds=60))
    assert len(hooks.received()) == 2
    work_off(office, timedelta(seconds=320))
    (row,) = deliveries(office)
    assert row.state == jobs.DONE and the_webhook(office)["error"] is None
    sent = hooks.received()
    assert [got.path for got in sent] == ["/hooks?of=archive"] * 3
    assert len({got.headers["webhook-id"] for got in sent}) == 1 and len({got.body for got in sent}) == 1


def test_who_is_gone_is_told_nothing_more(office: Office, hooks: HookServer) -> None:
    webhooks.add_webhook(office.archive, office.actor("admin"), url=hooks.url)
    hooks.answer(410)
    office.open()
    work_off(office)
    assert [row.state for row in deliveries(office)] == [jobs.FAILED]
    assert the_webhook(office)["is_active"] is False
    office.open()
    assert len(deliveries(office)) == 1
    with office.archive.db.read() as session:
        last = read_stream(session, "service")[-1]
    assert (last.type, last.payload["reason"], last.actor["name"]) == ("webhook.removed", "gone", "webhooks")


def test_a_server_that_stays_away_is_given_up(office: Office, hooks: HookServer) -> None:
    webhooks.add_webhook(office.archive, office.actor("admin"), url="http://127.0.0.1:1/")
    office.open()
    for days in range(12):
        work_off(office, timedelta(days=days))
    (row,) = deliveries(office)
    assert (row.state, row.attempts, row.error) == (jobs.FAILED, len(webhooks.PAUSES) + 1, "webhook_unreachable")


def test_only_the_kinds_that_were_asked_for_are_told(office: Office, hooks: HookServer) -> None:
    webhooks.add_webhook(office.archive, office.actor("admin"), url=hooks.url, kinds=["overdue", "due_soon"])
    office.open()
    assert deliveries(office) == []


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://192.168.1.1:8443/x", "https://169.254.169.254/",
     "https://[fe80::1]/", "https://[::ffff:10.0.0.1]/", "https://[64:ff9b::a00:1]/", "https://0.0.0.0/", "https://100.64.0.1/",
     "https://[2002:a00:1::]/", "https://224.0.0.1/"],
)  # fmt: skip
def test_an_address_of_a_private_network_is_refused_without_the_setting(lite: Office, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        webhooks.add_webhook(lite.archive, lite.actor("admin"), url=url)
    assert caught.value.code == "webhook_private"


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "ftp://hooks.example/", "https:///x", "https://user:word@hooks.example/", "https://hooks.example/#x",
     "https://hooks.example:99999/", "https://hooks.example/a b", "hooks.example", "https://hóoks.example/"],
)  # fmt: skip
def test_what_is_no_https_address_is_refused(lite: Office, url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        webhooks.add_webhook(lite.archive, lite.actor("admin"), url=url)
    assert caught.value.code == "webhook_url"


def test_a_name_that_leads_into_a_private_network_is_not_connected_to(
    office: Office, hooks: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.archive.settings.webhook_allow_private = False
    webhooks.add_webhook(office.archive, office.actor("admin"), url="https://hooks.example:8443/")
    office.open()
    looked_up: list[str] = []

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        looked_up.append(host)
        return [(socket.AF_INET, 1, 6, "", (address, port)) for address in ("93.184.215.14", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    work_off(office)
    (row,) = deliveries(office)
    assert (row.state, row.error, looked_up) == (jobs.FAILED, "webhook_private", ["hooks.example"])
    assert hooks.received() == []


def test_what_was_resolved_is_what_is_connected_to(
    office: Office, hooks: HookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://hooks.example:{hooks.port}/"
    webhooks.add_webhook(office.archive, office.actor("admin"), url=url)
    office.open()
    answers = iter([[(socket.AF_INET, 1, 6, "", ("127.0.0.1", hooks.port))]])
    real = socket.getaddrinfo

    def resolve(host: str, *rest: object, **named: object) -> list[tuple[object, ...]]:
        # a second look-up of the name would lead elsewhere
        return next(answers) if host == "hooks.example" else real(host, *rest, **named)  # type: ignore[arg-type,return-value]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    work_off(office)
    (got,) = hooks.received()
    assert got.headers["Host"] == f"hooks.example:{hooks.port}"


def test_the_open_network_is_public() -> None:
    for text in ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"):
        assert webhooks.is_public(ipaddress.ip_address(text)), text


def test_administrators_alone_look_after_webhooks_and_each_change_is_recorded(office: Office) -> None:
    admin = office.actor("admin")
    made = webhooks.add_webhook(office.archive, admin, url="https://hooks.example/rahasia", kinds=["overdue"])
    for act in (
        lambda: webhooks.add_webhook(office.archive, office.actor("wahyu"), url="https://hooks.example/"),
        lambda: webhooks.list_webhooks(office.archive, office.actor("ratna")),
        lambda: webhooks.remove_webhook(office.archive, office.actor("nuraini"), webhook=made.id),
    ):
        with pytest.raises(Forbidden):
            act()
    assert "secret" not in the_webhook(office)
    office.open()
    webhooks.remove_webhook(office.archive, admin, webhook=made.id)
    with pytest.raises(NotFound) as caught:
        webhooks.remove_webhook(office.archive, admin, webhook=made.id)
    assert caught.value.code == "webhook_unknown"
    with office.archive.db.read() as session:
        added, removed = read_stream(session, "service")[-2:]
        assert session.execute(select(WebhookRow)).first() is None
    assert (added.payload["host"], added.payload["kinds"]) == ("hooks.example", ["overdue"])
    assert b"rahasia" not in added.data and removed.payload == {"webhook": made.id, "reason": "asked"}
    with pytest.raises(InvalidInput) as many:
        webhooks.add_webhook(office.archive, admin, url="https://hooks.example/", kinds=[f"k{n}" for n in range(16)])
    assert many.value.code == "kinds_too_many"
    for _ in range(webhooks.WEBHOOKS_LIMIT):
        webhooks.add_webhook(office.archive, admin, url="https://hooks.example/")
    with pytest.raises(Conflict) as full:
        webhooks.add_webhook(office.archive, admin, url="https://hooks.example/")
    assert full.value.code == "webhooks_full"
    assert audit.check_archive(office.archive).discrepancies == []


def test_a_removed_webhook_is_told_nothing_that_waited(office: Office, hooks: HookServer) -> None:
    made = webhooks.add_webhook(office.archive, office.actor("admin"), url=hooks.url)
    office.open()
    webhooks.remove_webhook(office.archive, office.actor("admin"), webhook=made.id)
    work_off(office)
    assert hooks.received() == [] and [row.state for row in deliveries(office)] == [jobs.DONE]


def test_the_signature_is_the_specifications_own_example() -> None:
    # https://github.com/standard-webhooks/standard-webhooks, spec: the example of the reference libraries
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    at = datetime.fromtimestamp(1614265330, UTC)
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert webhooks.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, body) == expected


def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    secured = HookServer(certificate=certificate).start()
    try:
        made = webhooks.add_webhook(office.archive, office.actor("admin"), url=secured.url)
        office.open()
        work_off(office)
        assert deliveries(office)[0].error == "webhook_unreachable" and secured.received() == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        work_off(office, timedelta(seconds=10))
        (got,) = secured.received()
        assert Webhook(made.secret).verify(got.body, got.headers)["type"] == "notice.step_yours"
        assert got.headers["Host"] == f"localhost:{secured.port}"
    finally:
        secured.stop()


def test_a_server_that_answers_a_byte_at_a_time_is_left(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "WHOLE_SECONDS", 0.4)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def drip() -> None:
            line, _ = listener.accept()
            with line, suppress(OSError):
                for _ in range(100):
                    line.sendall(b"H")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        webhooks.add_webhook(office.archive, office.actor("admin"), url=f"http://127.0.0.1:{port}/")
        office.open()
        began = time.monotonic()
        work_off(office)
        assert time.monotonic() - began < 3 and deliveries(office)[0].error == "webhook_unreachable"
        thread.join(timeout=10)
