"""The demo: a whole SOP-SPMI-601 dossier over HTTP, as the people of its roles, on a clock that crosses Ramadan and a holiday."""

from __future__ import annotations

import socket
import sys
import time
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import click
import httpx

from archive_service.cli import serve as serving
from archive_service.cli.demo_stack import DemoStack, Failed, start_demo
from archive_service.cli.sample_people import PEOPLE, SAMPLE_UNITS
from archive_service.errors import ArchiveError, NotFound
from archive_service.verifier import verify as verifying

PASSWORD = "contoh-sandi-2026"
UNIT = serving.UNIT_CODE
YEAR, QUARTER = 2026, 1
UNTIL_BUNDLE_SECONDS = 90


RETURN_REASON = "Capaian IKU 2 belum sama dengan data dukung; perbaiki angka dan rekomendasinya."
LATE_REASON = "Pengumpulan data terhenti selama cuti bersama dan libur Nyepi–Idulfitri; penanggung jawab IKU baru lengkap 25 Maret."


@dataclass(frozen=True)
class Sample:
    """One file to upload: its step, document kind and round, and what a receipt says."""

    path: Path
    step: str
    kind: str
    round: int
    receipt: dict[str, str]


class Session:
    """One person's connection to the service."""

    def __init__(self, base_url: str, login: str, password: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=60, trust_env=False)
        token = self.call(
            "POST", "/api/v1/tokens", json={"login": login, "password": password, "name": "demo", "days": 60}
        )
        self._client.headers["Authorization"] = f"Bearer {token['token']}"

    def call(self, method: str, path: str, **kwargs: Any) -> Any:
        """The answer's JSON (or bytes); Failed with the problem's words for any error."""
        response = self._client.request(method, path, **kwargs)
        if response.status_code >= 400:
            raise Failed(f"{method} {path}: {response.status_code} {response.text[:500]}")
        if response.headers.get("Content-Type", "").startswith("application/json"):
            return response.json()
        return response.content

    def try_call(self, method: str, path: str, **kwargs: Any) -> httpx.Response:
        """The answer, whatever its status."""
        return self._client.request(method, path, **kwargs)


def load_samples(documents: Path | None) -> list[Sample]:
    """The files to play: the package's samples, or a folder's ``NN-….ext`` files (NN = step) in place of those of their step.

    At step 10 a picture is the receipt of the upload. Of several files at step 6 the last is the second round's. A step without a file
    of the user's keeps its sample.
    """
    folder = Path(str(resources.files("archive_service") / "data" / "samples"))
    index = tomllib.loads((folder / "samples.toml").read_text(encoding="utf-8"))
    samples: list[Sample] = []
    for entry in index["samples"]:
        receipt = {name: str(entry[name]) for name in ("application", "address", "number") if name in entry}
        if entry["kind"] != "submission_receipt":
            receipt = {}
        samples.append(
            Sample(folder / entry["file"], str(entry["step"]), entry["kind"], int(entry.get("round", 1)), receipt)
        )
    if documents is None:
        return samples
    theirs: list[Sample] = []
    kinds = {s.step: s.kind for s in samples if s.kind != "submission_receipt"}
    receipt = next(s.receipt for s in samples if s.kind == "submission_receipt")
    for path in sorted(documents.iterdir()):
        step = path.name[:2].lstrip("0")
        if not path.is_file() or not path.name[:2].isdigit() or step not in kinds:
            continue
        is_receipt = step == "10" and path.suffix.lower() in (".png", ".jpg", ".jpeg")
        theirs.append(
            Sample(path, step, "submission_receipt" if is_receipt else kinds[step], 1, receipt if is_receipt else {})
        )
    if not theirs:
        raise NotFound(
            "no_documents", f"No file in {documents} begins with the number of a step, such as 04-data.xlsx."
        )
    drafts = [s for s in theirs if s.step == "6"]
    if drafts:
        theirs = [s for s in theirs if s.step != "6"]
        theirs.append(drafts[0])
        theirs.append(Sample(drafts[-1].path, "6", drafts[-1].kind, 2, {}))
    covered = {(s.step, s.kind) for s in theirs}
    return theirs + [s for s in samples if (s.step, s.kind) not in covered]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Play:
    """The play itself: people, acts and their hours."""

    def __init__(self, base_url: str, admin_password: str, samples: list[Sample]) -> None:
        self.base_url = base_url
        self._samples = samples
        self._admin = Session(base_url, "admin", admin_password)
        self._people: dict[str, Session] = {}
        self.dossier = ""

    def at(self, moment: str) -> None:
        """Move the demo clock to this time of the office (WIB)."""
        self._admin.call("PUT", "/demo/clock", json={"at": f"{moment}:00+07:00"})

    def set_up_people(self, *, is_known: bool = False) -> str:
        """Register everybody with their roles, unless a sample year has; the work unit's id."""
        units = self._admin.call("GET", "/api/v1/work-units", params={"limit": 100})["work_units"]
        unit = next(u["work_unit"] for u in units if u["code"] == UNIT)
        for member in () if is_known else PEOPLE:
            made = self._admin.call(
                "POST", "/api/v1/people", json={"name": member.name, "login": member.login, "password": PASSWORD}
            )
            self._admin.call(
                "POST",
                f"/api/v1/people/{made['person']}/assignments",
                json={"role": member.role, "work_unit": unit, "from_on": "2026-01-01", "lead": member.lead},
            )
        self._people = {m.login: Session(self.base_url, m.login, PASSWORD) for m in PEOPLE}
        return str(unit)

    def read(self, login: str = "maya") -> dict[str, Any]:
        """The dossier as this person sees it."""
        found: dict[str, Any] = self._people[login].call("GET", f"/api/v1/dossiers/{self.dossier}")
        return found

    def upload(self, login: str, step: str, round: int = 1) -> None:
        """Send this person's files for a step."""
        for sample in self._samples:
            if (sample.step, sample.round) == (step, round):
                self._people[login].call(
                    "POST",
                    f"/api/v1/dossiers/{self.dossier}/steps/{step}/documents",
                    params={"kind": sample.kind, "name": sample.path.name, **sample.receipt},
                    content=sample.path.read_bytes(),
                )

    def submit(self, login: str, step: str, round: int = 1) -> None:
        """Upload and submit a step."""
        self.upload(login, step, round)
        self._people[login].call("POST", f"/api/v1/dossiers/{self.dossier}/steps/{step}/submission", json={})

    def decide(self, login: str, step: str, decision: str, reason: str | None = None) -> None:
        """Look at the documents, then approve or return."""
        seen = next(s for s in self.read(login)["steps"] if s["step"] == step)["to_decide"]
        body = {"decision": decision, "versions": seen, "reason": reason}
        self._people[login].call("POST", f"/api/v1/dossiers/{self.dossier}/steps/{step}/decision", json=body)

    def wait_until_judged(self) -> dict[str, Any]:
        """The dossier once every finished iteration has its verdict."""
        until = time.monotonic() + UNTIL_BUNDLE_SECONDS
        while time.monotonic() < until:
            found = self.read()
            runs = [r for s in found["steps"] for r in s["iterations"] if r["state"] == "finished"]
            if all(r["is_judged"] for r in runs):
                return found
            time.sleep(0.1)
        raise Failed("The verdicts did not come; see the service's log.")

    def explain_late_step(self) -> None:
        """The responsible person accounts for the late step, and the section head accepts it."""
        for deviation in self.wait_until_judged()["deviations"]:
            if deviation["is_open"]:
                path = f"/api/v1/dossiers/{self.dossier}/deviations/{deviation['deviation']}/explanations"
                made = self._people["sari"].call("POST", path, json={"explanation": LATE_REASON})
                self._people["hendra"].call("POST", f"{path}/{made['number']}/answer", json={"is_accepted": True})

    def run(self, *, has_year: bool = False) -> None:
        """All eleven steps, with one late step and one return."""
        self.at("2026-03-12T08:30")
        unit = self.set_up_people(is_known=has_year)
        self.at("2026-03-13T09:10")
        opened = self._people["maya"].call(
            "POST",
            "/api/v1/dossiers",
            json={
                "work_unit": unit,
                "year": YEAR,
                "quarter": QUARTER,
                "title": "Pengukuran data kinerja triwulan I 2026",
                "letter": {
                    "number": "0412/B1/TU/2026",
                    "sender": "Sekretariat Direktorat Jenderal",
                    "agenda_number": "SM-2026-0178",
                    "dated_on": "2026-03-12",
                    "received_at": "2026-03-13T09:00:00+07:00",
                    "reply_due_on": "2026-04-10",
                },
            },
        )
        self.dossier = opened["dossier"]
        self.at("2026-03-13T09:20")
        self.submit("ratna", "1")
        self.at("2026-03-13T09:30")
        self.submit("ratna", "2")
        self.at("2026-03-13T10:00")
        self.submit("hendra", "3")
        self.at("2026-03-25T09:40")
        self.upload("agus", "4")
        self.at("2026-03-25T10:00")
        self._people["sari"].call("POST", f"/api/v1/dossiers/{self.dossier}/steps/4/submission", json={})
        self.explain_late_step()
        self.at("2026-03-26T09:00")
        self.submit("sari", "5")
        self.at("2026-03-26T15:00")
        self.submit("bima", "6")
        self.at("2026-03-27T09:00")
        self.decide("sari", "7", "approve")
        self.at("2026-03-27T14:00")
        self.decide("hendra", "8", "return", RETURN_REASON)
        self.at("2026-03-30T10:00")
        self.submit("bima", "6", 2)
        self.at("2026-03-30T14:00")
        self.decide("sari", "7", "approve")
        self.at("2026-03-31T09:00")
        self.decide("hendra", "8", "approve")
        self.at("2026-03-31T09:10")
        self.decide("ratna", "9", "approve")
        self.at("2026-03-31T10:00")
        self.submit("maya", "10")
        self.at("2026-03-31T10:12")
        self.wait_until_judged()
        self._people["maya"].call("POST", f"/api/v1/dossiers/{self.dossier}/steps/11/archiving", json={})

    def fetch_bundle(self, path: Path) -> None:
        """Wait for the bundle and keep it."""
        until = time.monotonic() + UNTIL_BUNDLE_SECONDS
        while time.monotonic() < until:
            response = self._people["wahyu"].try_call("GET", f"/api/v1/dossiers/{self.dossier}/bundle")
            if response.status_code == 200:
                path.write_bytes(response.content)
                return
            if response.status_code != 409:
                raise Failed(f"The bundle cannot be had: {response.status_code} {response.text[:500]}")
            time.sleep(0.2)
        raise Failed("The bundle did not come; see the service's log.")

    def let_clock_go(self) -> None:
        """Let the demo clock run on."""
        self._admin.call("PUT", "/demo/clock", json={"let_go": True})


def play(*, data_dir: Path, port: int | None, documents: Path | None, is_exit: bool, lang: str, has_year: bool) -> int:
    """Run the demo; the exit status: 0 only if the bundle verified and the damaged copy did not.

    ``has_year``: six units have carried out four quarters before the play begins.
    """
    samples = load_samples(documents)
    click.echo(
        "Setting up a demo archive with a year of six work units …" if has_year else "Setting up a demo archive …"
    )
    try:
        stack = start_demo(
            data_dir=data_dir, port=_free_port() if port == 0 else port, year_password=PASSWORD if has_year else None
        )
    except Failed as exc:
        click.echo(f"The demo failed: {exc}", err=True)
        return 1
    try:
        held = _show(stack, samples, lang, has_year=has_year)
        if is_exit or not held:
            return 0 if held else 1
        _leave_running(stack, has_year)
        return 0
    except (Failed, ArchiveError, httpx.HTTPError) as exc:
        click.echo(f"The demo failed: {exc}", err=True)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        stack.stop()


def _show(stack: DemoStack, samples: list[Sample], lang: str, *, has_year: bool) -> bool:
    settings, base_url = stack.settings, stack.base_url
    bundle, vkey, damaged = (settings.data_dir / name for name in ("bundle.zip", "vkey", "bundle-damaged.zip"))
    acting = Play(base_url, stack.password, samples)
    click.echo("Playing SOP-SPMI-601 over HTTP: 13 to 31 March 2026, eight people, eleven steps …")
    acting.run(has_year=has_year)
    acting.fetch_bundle(bundle)
    vkey.write_text(httpx.get(f"{base_url}/log/vkey", trust_env=False).text.splitlines()[0] + "\n")
    click.echo()
    click.echo(verifying.render_bundle_table(str(bundle), lang))
    text, code = verifying.verify_file(str(bundle), str(vkey), lang, False)
    click.echo()
    click.echo(f"$ archive-service verify {bundle} --key {vkey}")
    click.echo(text)
    data = bytearray(bundle.read_bytes())
    place = len(data) // 2
    data[place] ^= 1
    damaged.write_bytes(data)
    bad_text, bad_code = verifying.verify_file(str(damaged), str(vkey), lang, False)
    click.echo()
    click.echo(f"One bit of byte {place} flipped in a copy:")
    click.echo(f"$ archive-service verify {damaged} --key {vkey}")
    click.echo("\n".join(line for line in bad_text.splitlines() if "✗" in line or line == bad_text.splitlines()[-1]))
    acting.let_clock_go()
    click.echo()
    click.echo(f"Ran on: {serving.describe(settings)}")
    click.echo(f"Bundle: {bundle}   key: {vkey}   exit codes: {code} for the bundle, {bad_code} for the damaged copy")
    if documents_used := sorted({str(s.path.parent) for s in samples}):
        click.echo(f"Documents: {', '.join(documents_used)}")
    return code == 0 and bad_code == 1


def _leave_running(stack: DemoStack, has_year: bool) -> None:
    click.echo()
    click.echo(f"The service goes on at {stack.base_url}/ until Ctrl-C. Log in as (password: {PASSWORD}):")
    for member in PEOPLE:
        click.echo(f"  {member.login:8} {member.role:17} {member.name}")
    if has_year:
        click.echo(
            f"  … and {len(SAMPLE_UNITS[1].members)} in each of {len(SAMPLE_UNITS) - 1} more units, such as {SAMPLE_UNITS[1].members[1].login}"
        )
    click.echo(f"  {'admin':8} {'administrator':17} password: {stack.password}")
    sys.stdout.flush()
    stack.wait()
