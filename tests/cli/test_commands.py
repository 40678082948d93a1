"""The commands as people run them: real processes, a real gunicorn, a real socket."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.office import SAMPLES

COMMAND = [sys.executable, "-m", "archive_service.cli"]
SOP = Path(__file__).parents[2] / "archive_service" / "data" / "sops" / "sop-spmi-601.toml"
LETTER = (SAMPLES / "01-surat-permintaan-laporan.pdf").read_bytes()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, **environment}
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Service:
    """A running ``archive-service run`` on a data folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = folder.parent / f"{folder.name}-{self.port}.out"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "run", "--port", str(self.port), "--data", str(folder)],
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # who asks for a proof right after an act need not wait for the next ten seconds
                env={"ARCHIVE_CHECKPOINT_SECONDS": "1", "ARCHIVE_SECOND_FACTOR_ROLES": "", **os.environ},
            )
        until = time.monotonic() + 40
        while True:
            try:
                if httpx.get(f"{self.url}/livez", trust_env=False).status_code == 200:
                    return
            except httpx.TransportError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise AssertionError(self.output.read_text()) from None
                time.sleep(0.1)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var"


@pytest.fixture
def service(folder: Path) -> Iterator[Service]:
    running = Service(folder)
    yield running
    if running.process.poll() is None:
        running.kill()


def admin_headers(service: Service) -> dict[str, str]:
    password = service.output.read_text().split("password: ")[1].split()[0]
    body = {"login": "admin", "password": password, "name": "uji"}
    refused = httpx.post(f"{service.url}/api/v1/tokens", json=body, trust_env=False)
    if refused.status_code == 403:
        # the one that setup printed is for the first log-in alone
        own = {"login": "admin", "password": password, "new_password": password + "+"}
        assert httpx.put(f"{service.url}/api/v1/own-password", json=own, trust_env=False).status_code == 204
    body["password"] += "+"
    token = httpx.post(f"{service.url}/api/v1/tokens", json=body, trust_env=False).json()["token"]
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.slow
def test_the_demo_holds_and_leaves_a_bundle_and_its_key(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    done = run("demo", "--exit", "--port", "0", "--data", str(data), ARCHIVE_DEMO="")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1.200 menit" in done.stdout and "terlambat" in done.stdout and "dikembalikan" in done.stdout
    assert "SQLite" in done.stdout and "folder store" in done.stdout and "gunicorn" in done.stdout
    good = run("verify", str(data / "bundle.zip"), "--key", str(data / "vkey"), "--lang", "en")
    assert (good.returncode, good.stdout.splitlines()[-1]) == (0, "VALID")
    assert run("verify", str(data / "bundle.zip")).returncode == 3
    assert run("verify", str(data / "bundle-damaged.zip"), "--key", str(data / "vkey")).returncode == 1
    assert run("verify", str(data / "vkey")).returncode == 2
    audited = run("log", "audit", "--data", str(data), "--objects")
    assert (audited.returncode, audited.stdout.splitlines()[-1].endswith(": 0 discrepancies")) == (0, True)
    again = run("demo", "--exit", "--port", "0", "--data", str(data), "--documents", str(SAMPLES))
    assert again.returncode == 0, again.stdout + again.stderr


@pytest.mark.slow
def test_the_first_start_shows_a_password_once_and_the_second_does_not(service: Service, folder: Path) -> None:
    assert httpx.get(f"{service.url}/api/v1/me", headers=admin_headers(service), trust_env=False).status_code == 200
    service.stop()
    again = Service(folder)
    again.stop()
    assert "password" not in again.output.read_text()


@pytest.mark.slow
def test_whoever_goes_on_sending_what_was_refused_holds_nobody_up(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARCHIVE_THREADS", "4")
    monkeypatch.setenv("ARCHIVE_UPLOAD_SLOTS", "2")
    service = Service(folder)
    head = b"POST /api/v1/work-units HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"
    senders = [socket.create_connection(("127.0.0.1", service.port)) for _ in range(16)]
    try:
        for sender in senders:
            sender.sendall(head + b"%PDF-")
        # with gunicorn's own worker sixteen of them hold four threads for five seconds each, and the main one for two
        assert httpx.get(f"{service.url}/livez", trust_env=False, timeout=3).status_code == 200
        answers = []
        for sender in senders:
            sender.settimeout(10)
            answers.append(sender.recv(100))
        assert {answer[:12] for answer in answers} == {b"HTTP/1.1 401"}, "each reads why it was refused"
    finally:
        for sender in senders:
            sender.close()
        service.stop()


@pytest.mark.slow
def test_a_service_killed_at_any_moment_goes_on_where_it_was(service: Service, folder: Path) -> None:
    headers = admin_headers(service)
    made = httpx.post(f"{service.url}/api/v1/people", json={"name": "A"}, headers=headers, trust_env=False)
    assert made.status_code == 201
    service.kill()
    again = Service(folder)
    people = httpx.get(f"{again.url}/api/v1/people", headers=headers, trust_env=False).json()["people"]
    assert "A" in [p["name"] for p in people]
    time.sleep(1.5)
    again.kill()
    assert run("log", "audit", "--data", str(folder)).returncode == 0


@pytest.mark.slow
def test_an_upload_cut_in_the_middle_leaves_nothing(service: Service, folder: Path) -> None:
    headers = admin_headers(service)
    url = f"{service.url}/api/v1"

    def send(method: str, path: str, **kwargs: object) -> dict[str, str]:
        response = httpx.request(method, url + path, headers=headers, trust_env=False, **kwargs)  # type: ignore[arg-type]
        assert response.status_code < 300, response.text
        found: dict[str, str] = response.json()
        return found

    units = httpx.get(f"{url}/work-units", headers=headers, trust_env=False).json()["work_units"]
    unit = units[0]["work_unit"]
    person = send("POST", "/people", json={"name": "Ratna", "login": "ratna", "password": "kata sandi panjang"})[
        "person"
    ]
    role = {"role": "satker_head", "work_unit": unit, "from_on": "2026-01-01"}
    send("POST", f"/people/{person}/assignments", json=role)
    own = {"login": "ratna", "password": "kata sandi panjang", "new_password": "kata sandi saya sendiri"}
    assert httpx.put(f"{url}/own-password", json=own, trust_env=False).status_code == 204
    body = {"login": "ratna", "password": own["new_password"], "name": "uji"}
    headers = {"Authorization": "Bearer " + send("POST", "/tokens", json=body)["token"]}
    letter = {
        "number": "1",
        "sender": "x",
        "agenda_number": "2",
        "dated_on": "2026-11-01",
        "received_at": "2026-11-02T09:00:00+07:00",
    }
    opening = {"work_unit": unit, "year": 2026, "quarter": 4, "title": "uji", "letter": letter}
    dossier = send("POST", "/dossiers", json=opening)["dossier"]
    path = f"/api/v1/dossiers/{dossier}/steps/1/documents?kind=request_letter&name=a.pdf"
    before = httpx.get(f"{url}/dossiers/{dossier}/events", headers=headers, trust_env=False).content
    for framing in (f"Content-Length: {len(LETTER)}", "Transfer-Encoding: chunked"):
        half = LETTER[: len(LETTER) // 2]
        if "chunked" in framing:
            half = f"{len(half):x}\r\n".encode() + half + b"\r\n"
        with socket.create_connection(("127.0.0.1", service.port)) as line:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {headers['Authorization']}\r\n{framing}\r\n\r\n"
            line.sendall(head.encode() + half)
            time.sleep(0.5)
    time.sleep(1)
    after = httpx.get(f"{url}/dossiers/{dossier}/events", headers=headers, trust_env=False).content
    assert after == before
    files = [
        p
        for p in (folder / "store").rglob("*")
        if p.is_file() and "log" not in p.parts and "checkpoints" not in p.parts
    ]
    assert files == []
    whole = httpx.post(service.url + path, content=LETTER, headers=headers, trust_env=False)
    assert whole.status_code == 201


def test_a_busy_port_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run("run", "--port", port, "--data", str(tmp_path / "var"))
    assert done.returncode == 2 and f"Port {port}" in done.stderr and "PORT=" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1 and not (tmp_path / "var").exists()


def test_a_sound_definition_is_said_to_be_and_a_bad_one_gets_every_problem(tmp_path: Path) -> None:
    good = run("sop", "check", str(SOP))
    assert good.returncode == 0 and "sop-spmi-601 version 1 is sound" in good.stdout
    bad = tmp_path / "bad.toml"
    bad.write_text(
        SOP.read_text().replace('unit = "minute"', 'unit = "fortnight"').replace('kind = "archive"', 'kind = "x"')
    )
    done = run("sop", "check", str(bad))
    assert done.returncode == 2 and len(done.stderr.splitlines()) >= 4
    assert "steps[0].norm.unit" in done.stderr and "steps[10].kind" in done.stderr
    assert run("sop", "check", str(tmp_path / "none.toml")).returncode == 2


def test_bad_settings_are_a_sentence_that_names_the_variable(tmp_path: Path) -> None:
    done = run("run", "--data", str(tmp_path), ARCHIVE_UPLOAD_SLOTS="many")
    assert done.returncode == 2 and "ARCHIVE_UPLOAD_SLOTS" in done.stderr and "Traceback" not in done.stderr
    open_demo = run(
        "run", "--data", str(tmp_path), ARCHIVE_DEMO="1", ARCHIVE_HOST="0.0.0.0", ARCHIVE_LOG_ORIGIN="a.b/demo"
    )
    assert open_demo.returncode == 2 and "127.0.0.1 only" in open_demo.stderr


def test_the_demo_does_not_empty_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    done = run("demo", "--exit", "--port", "0", "--data", str(tmp_path))
    assert done.returncode == 2 and (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_service_killed_while_it_builds_gives_one_bundle_in_the_end(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from archive_service.db.event_log import read_stream
    from archive_service.runner import Runner
    from archive_service.services import reading
    from archive_service.verifier.verify import verify_file
    from tests.office import ORIGIN, make_office, open_office

    office = make_office(folder)
    dossier = office.play()
    office.archive.db.close()
    monkeypatch.setenv("ARCHIVE_LOG_ORIGIN", ORIGIN)
    for pause in (0.0, 0.15, 0.3):
        service = Service(folder)
        time.sleep(pause)
        service.kill()
    office = open_office(folder, "2027-01-05T09:00")
    runner = Runner(office.archive)
    with office.archive.db.write() as session:
        # what a killed worker held comes back when its lease runs out; the test does not wait five minutes for it
        from sqlalchemy import update

        from archive_service.db.models import JobRow

        session.execute(update(JobRow).where(JobRow.state == "running").values(lease_until=office.archive.timer()))
    until = time.monotonic() + 30
    while time.monotonic() < until:
        runner.turn()
        with office.archive.db.read() as session:
            stored = [e for e in read_stream(session, f"after:{dossier}") if e.type == "bundle.stored"]
        if stored:
            break
        time.sleep(0.1)
    assert len(stored) == 1
    content = reading.read_bundle(office.archive, office.actor("maya"), dossier=dossier)
    bundle = folder.parent / "bundle.zip"
    bundle.write_bytes(b"".join(content.chunks))
    assert verify_file(str(bundle), office.archive.log_key.vkey, "en", False)[1] == 0
    office.archive.db.close()
    assert run("log", "audit", "--data", str(folder)).returncode == 0
