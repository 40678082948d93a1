"""The commands that talk to a running service, against one that really runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from archive_service.cli.__main__ import main
from archive_service.services import people, users
from tests.authenticator import SoftAuthenticator
from tests.cli.test_commands import Service, free_port, run
from tests.office import ORIGIN, PASSWORD, ROLES, SAMPLES, open_office, wib


@dataclass
class Counter:
    """The command line of the people of an office, before a running service that holds a dossier for each kind of test."""

    service: Service
    at_step_4: str
    at_step_7: str
    at_step_8: str
    to_sign: str
    at_step_11: str
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, login: str, *arguments: str) -> Result:
        """What a command says to this person. In this process, because starting Python takes longer than the command."""
        if login not in self.tokens:
            made = run("token", "create", login, "--password", PASSWORD, ARCHIVE_URL=self.service.url)
            assert made.returncode == 0, made.stderr
            assert "valid until" in made.stderr
            self.tokens[login] = made.stdout.strip()
        environment = {"ARCHIVE_URL": self.service.url, "ARCHIVE_TOKEN": self.tokens[login]}
        return CliRunner().invoke(main, arguments, env=environment)

    def read(self, login: str, *arguments: str) -> Any:
        """A command's answer as JSON."""
        done = self.ask(login, *arguments)
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def counter(office_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Counter]:
    folder = tmp_path_factory.mktemp("client") / "var"
    shutil.copytree(office_template, folder)
    office = open_office(folder)
    dossiers = [office.play(step) for step in ("3", "6", "7", "7", "10")]
    office.turn()
    office.settle(*ROLES)
    office.archive.db.close()
    before = os.environ.get("ARCHIVE_LOG_ORIGIN")
    os.environ["ARCHIVE_LOG_ORIGIN"] = ORIGIN
    service = Service(folder)
    at_step_4, at_step_7, at_step_8, to_sign, at_step_11 = dossiers
    yield Counter(service, at_step_4, at_step_7, at_step_8, to_sign, at_step_11)
    service.kill()
    if before is None:
        del os.environ["ARCHIVE_LOG_ORIGIN"]
    else:
        os.environ["ARCHIVE_LOG_ORIGIN"] = before


@pytest.mark.slow
def test_a_step_is_done_from_the_command_line(counter: Counter, tmp_path: Path) -> None:
    dossier = counter.at_step_4
    sample = next(path for path in sorted(SAMPLES.iterdir()) if path.name.startswith("04-"))
    kind = counter.read("sari", "dossier", "show", dossier, "--json")["steps"][3]["checklist"][-1]["kind"]
    receipt = tmp_path / "receipt"
    upload = ("dossier", "upload", dossier, "4", str(sample), "--kind", kind)
    sent = counter.ask("sari", *upload, "--receipt", str(receipt))
    assert sent.exit_code == 0, sent.stderr
    assert hashlib.sha256(sample.read_bytes()).hexdigest() in sent.stdout
    assert receipt.read_text().startswith(f"{ORIGIN} receipt v1\n")
    version = sent.stdout.split()[0]
    assert counter.ask("sari", "dossier", "withdraw", dossier, version, "--reason", "Keliru.").exit_code == 0
    refused = counter.ask("sari", "dossier", "submit", dossier, "4")
    assert refused.exit_code == 2 and refused.stderr.rstrip().endswith("[outputs_missing]")
    assert counter.ask("sari", *upload).exit_code == 0
    done = counter.ask("sari", "dossier", "submit", dossier, "4", "--accept-gaps")
    assert (done.exit_code, done.stdout) == (0, "Step 4 is submitted.\n"), done.stderr
    shown = counter.ask("maya", "dossier", "show", dossier).stdout
    assert "finished" in shown and "late" in shown and sample.name in shown


@pytest.mark.slow
def test_a_decision_names_what_was_looked_at(counter: Counter) -> None:
    dossier = counter.at_step_7
    seen = counter.read("sari", "dossier", "show", dossier, "--json")["steps"][6]["to_decide"]
    versions = [argument for version in seen for argument in ("--version", version)]
    stranger = counter.ask("maya", "dossier", "decide", dossier, "7", "approve", *versions)
    assert (stranger.exit_code, stranger.stdout) == (2, "")
    done = counter.ask("sari", "dossier", "decide", dossier, "7", "approve", *versions)
    assert (done.exit_code, done.stdout) == (0, "Step 7: approve.\n"), done.stderr
    deviations = counter.read("sari", "dossier", "show", dossier, "--json")["deviations"]
    late = next(d for d in deviations if d["step"] == "4")
    letter = str(SAMPLES / "01-surat-permintaan-laporan.pdf")
    sent = counter.ask("sari", "attachment", "send", dossier, late["deviation"], letter)
    assert sent.exit_code == 0, sent.stderr
    explained = counter.ask("sari", "dossier", "explain", dossier, late["deviation"], "Libur Nyepi.")
    assert explained.exit_code == 0, explained.stderr
    shown = counter.read("sari", "dossier", "show", dossier, "--json")["deviations"]
    (given,) = next(d["explanations"] for d in shown if d["deviation"] == late["deviation"])
    assert given["attachments"] == [sent.stdout.split()[0]]


@pytest.mark.slow
def test_a_decision_is_signed_from_files(counter: Counter, tmp_path: Path) -> None:
    key = SoftAuthenticator(origin=counter.service.url.replace("127.0.0.1", "localhost"))
    password = ("--password", PASSWORD)
    prepared = counter.read("hendra", "passkey", "prepare", *password)
    made = tmp_path / "made.json"
    made.write_text(json.dumps(key.register(prepared["options"])))
    registered = counter.ask("hendra", "passkey", "register", prepared["preparation"], str(made), "--name", "Laptop")
    assert registered.exit_code == 0, registered.stderr
    (listed,) = counter.read("hendra", "passkey", "list", "--json")
    assert listed["passkey"] == registered.stdout.strip() and listed["revoked_at"] is None
    dossier = counter.to_sign
    waiting = next(s for s in counter.read("hendra", "dossier", "steps", dossier, "--json") if s["step"] == "8")
    versions = [part for version in waiting["to_decide"] for part in ("--version", version)]
    prepared = counter.read("hendra", "dossier", "prepare-decision", dossier, "8", "approve", *versions)
    signature = tmp_path / "signature.json"
    signature.write_text("no JSON")
    sign = ("dossier", "sign-decision", dossier, "8", prepared["preparation"], str(signature))
    assert "not_json" in counter.ask("hendra", *sign).stderr
    signature.write_text(json.dumps(key.assert_(prepared["options"])))
    done = counter.ask("hendra", *sign)
    assert (done.exit_code, done.stdout) == (0, "Step 8: decided and signed.\n"), done.stderr
    assert "id_expected" in counter.ask("hendra", "passkey", "revoke", "../x", *password).stderr
    revoked = counter.ask("hendra", "passkey", "revoke", listed["passkey"], *password)
    assert (revoked.exit_code, revoked.stdout) == (0, "The passkey is revoked.\n"), revoked.stderr


@pytest.mark.slow
def test_a_form_is_filled_in_and_a_paper_recorded(counter: Counter, tmp_path: Path) -> None:
    dossier, form = counter.at_step_8, ("8", "section_approval")
    asked = counter.read("hendra", "form", "show", dossier, *form, "--json")
    assert [field["key"] for field in asked if field["required"]] == ["statement"]
    (tmp_path / "isian.json").write_text('{"statement": "Menyetujui."}')
    (tmp_path / "bad.json").write_text("[1]")
    filled = counter.ask("hendra", "form", "fill", dossier, *form, "--file", str(tmp_path / "isian.json"))
    assert filled.exit_code == 0, filled.stderr
    for file, code in (("bad.json", "not_json"), ("none.json", "file_not_found")):
        refused = counter.ask("hendra", "form", "fill", dossier, *form, "--file", str(tmp_path / file))
        assert (refused.exit_code, code in refused.stderr) == (2, True)
    document = counter.read("maya", "paper", "list", dossier, "--json")[0]
    assert (document["paper"], document["room"]) == (None, None)
    done = counter.ask("maya", "paper", "record", dossier, document["document"], "--room", "Arsip", "--box", "7")
    assert done.stdout == "Recorded.\n", done.stderr
    known = counter.read("maya", "paper", "list", dossier, "--json")[0]
    assert (known["paper"], known["room"], known["shelf"], known["box"]) == (True, "Arsip", None, "7")


@pytest.mark.slow
def test_a_dossier_is_archived_and_its_bundle_fetched_and_verified(counter: Counter, tmp_path: Path) -> None:
    dossier, bundle = counter.at_step_11, tmp_path / "bundle.zip"
    early = counter.ask("maya", "dossier", "bundle", dossier, str(bundle))
    assert early.exit_code == 2 and "[bundle_not_ready]" in early.stderr and not list(tmp_path.iterdir())
    sealed = counter.ask("maya", "dossier", "archive", dossier, "11", "--accept-gaps")
    assert sealed.exit_code == 0 and sealed.stdout.startswith("Sealed."), sealed.stderr
    until = time.monotonic() + 60
    while counter.ask("wahyu", "dossier", "bundle", dossier, str(bundle)).exit_code != 0:
        assert time.monotonic() < until
        time.sleep(0.5)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]
    assert run("verify", str(bundle)).returncode == 3
    jobs = counter.read("wahyu", "job", "list", dossier, "--json")
    assert ("build_bundle", "done", 100) in {(j["name"], j["state"], j["progress"]) for j in jobs}
    listed = counter.read("wahyu", "event", "list", dossier, "--json")
    assert listed[-1]["type"] == "dossier.sealed"
    proof = json.loads(counter.ask("wahyu", "event", "proof", dossier, str(listed[-1]["seq"])).stdout)
    assert proof["leaf_index"] < proof["checkpoint"]["size"]
    assert "build_bundle" in counter.ask("wahyu", "job", "list", dossier).stdout


@pytest.mark.slow
def test_lists_are_tables_and_errors_are_sentences(counter: Counter, tmp_path: Path) -> None:
    listed = counter.ask("wahyu", "dossier", "list", "--year", "2026", "--quarter", "1").stdout.splitlines()
    assert listed[0].split() == ["dossier", "status", "year", "quarter", "work_unit", "title"]
    assert len(listed) == 6
    assert "Polman" in listed[1] or "Politeknik" in listed[1]
    assert "sop-spmi-601" in counter.ask("wahyu", "definition", "list").stdout
    assert "sakip_team" in counter.ask("wahyu", "person", "list").stdout
    bad = tmp_path / "bad.toml"
    bad.write_text('kind = "sop"\n')
    for login, arguments, code in (
        ("wahyu", ("definition", "register", str(bad)), "role_forbidden"),
        ("wahyu", ("definition", "register", str(tmp_path / "none")), "file_not_found"),
        ("maya", ("person", "list"), "role_forbidden"),
        ("maya", ("dossier", "show", "0" * 32), "dossier_unknown"),
        ("maya", ("dossier", "show", "../me"), "id_expected"),
        ("maya", ("event", "proof", counter.at_step_4, "999"), "event_unknown"),
        (
            "maya",
            ("dossier", "upload", counter.at_step_4, "4", str(tmp_path / "none"), "--kind", "x"),
            "file_not_found",
        ),
    ):
        refused = counter.ask(login, *arguments)
        assert refused.exit_code == 2 and refused.stderr.rstrip().endswith(f"[{code}]"), (arguments, refused.stderr)
        assert "Traceback" not in refused.stderr and len(refused.stderr.splitlines()) == 1


@pytest.mark.slow
def test_without_a_service_or_a_token_the_sentence_says_what_to_set() -> None:
    nobody = run("dossier", "list", ARCHIVE_TOKEN="")
    assert nobody.returncode == 2 and "ARCHIVE_TOKEN" in nobody.stderr
    nowhere = run("dossier", "list", ARCHIVE_TOKEN="ars_x", ARCHIVE_URL=f"http://127.0.0.1:{free_port()}")
    assert nowhere.returncode == 2 and "ARCHIVE_URL" in nowhere.stderr
    wrong = run("dossier", "list", ARCHIVE_TOKEN="ars_x", ARCHIVE_URL="ftp://here")
    assert wrong.returncode == 2 and "http" in wrong.stderr


@pytest.mark.slow
def test_people_and_their_roles_are_managed_from_the_command_line(counter: Counter) -> None:
    def said(login: str, *arguments: str) -> str:
        done = counter.ask(login, *arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout.strip()

    # the office's administrator has a random password: a second one is made without the command line
    office = open_office(counter.service.folder)
    office.clock.moment = wib("2026-03-31T12:00")
    made = office.actor("admin")
    second = people.register_person(office.archive, made, name="Admin kedua")
    users.create_user(office.archive, made, person=second, login="admin2", password=PASSWORD)
    people.assign_role(
        office.archive, made, person=second, role="administrator", work_unit=office.unit, from_on="2026-01-01"
    )
    office.archive.db.close()
    unit = said("admin2", "work-unit", "create", "jurusan-mesin", "Jurusan Mesin")
    assert unit in said("admin2", "work-unit", "list")
    person = said("admin2", "person", "register", "Orang Baru", "--login", "baru", "--password", PASSWORD)
    user = said("admin2", "user", "create", person, "baru2", "--password", PASSWORD)
    assert user in said("admin2", "user", "list")
    assert said("admin2", "user", "password", user, "--password", PASSWORD + "!") == "The password is set."
    role = said("admin2", "person", "assign", person, "auditor", "--unit", unit, "--from", "2026-01-01")
    assert "Orang Baru" in said("admin2", "person", "list")
    assert role in said("admin2", "person", "assignments")
    assert said("admin2", "person", "release", role) == "The assignment has ended."
    again = counter.ask("admin2", "person", "release", role)
    assert again.exit_code == 2 and "[assignment_ended]" in again.stderr
    assert said("admin2", "user", "mail", user, "baru@polman.example") == "The mail address is set."
    assert said("admin2", "user", "mail", user) == "The mail address is taken away."
    assert said("admin2", "webhook", "add", "https://hooks.example/", "--kind", "overdue").startswith("whsec_")
    (listed,) = counter.read("admin2", "webhook", "list", "--json")
    assert "overdue" in said("admin2", "webhook", "list")
    assert said("admin2", "webhook", "remove", listed["webhook"]) == "The webhook is removed."


@pytest.mark.slow
def test_a_dossier_is_opened_read_and_cancelled_from_the_command_line(counter: Counter, tmp_path: Path) -> None:
    def said(login: str, *arguments: str) -> str:
        done = counter.ask(login, *arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout.strip()

    units = counter.read("maya", "work-unit", "list", "--json")
    unit = next(u["work_unit"] for u in units if u["code"] == "polman-babel")
    letter = ("--letter-number", "1", "--letter-sender", "x", "--agenda-number", "2", "--letter-date", "2026-03-12")
    period = ("--unit", unit, "--year", "2026", "--quarter", "1", "--title", "Dari baris perintah")
    opened = said("maya", "dossier", "open", *period, *letter, "--received-at", "2026-03-12T08:00:00+07:00")
    assert "running" in said("maya", "dossier", "steps", opened)
    person = counter.read("ratna", "token", "list", "--json")
    assert person and "satker_head" in said("ratna", "token", "whose")
    played = counter.at_step_11
    versions = counter.read("maya", "dossier", "documents", played, "--json")
    target = tmp_path / "document"
    assert versions[0]["digest"] in said("maya", "dossier", "download", played, versions[0]["version"], str(target))
    assert hashlib.sha256(target.read_bytes()).hexdigest() == versions[0]["digest"]
    assert "approve" in said("maya", "dossier", "decisions", played)
    assert "late" in said("maya", "dossier", "verdicts", played)
    assert "time_norm_passed" in said("maya", "dossier", "deviations", played)
    assert "time_norm_passed" in said("nuraini", "dossier", "deviations")
    digest = counter.read("maya", "definition", "list", "--json")[0]["digest"]
    assert json.loads(said("maya", "definition", "show", digest))
    assert "Asked for" in said("hendra", "dossier", "cancel", opened, "--reason", "Salah buka.")
    assert said("ratna", "dossier", "cancel", opened) == "The dossier is cancelled."


@pytest.mark.slow
def test_quality_is_asked_from_the_command_line(counter: Counter, tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        done = counter.ask("nuraini", "quality", *arguments)
        assert done.exit_code == 0, done.stderr
        return done.stdout.strip()

    assert "Polman Babel" in said("summary", "--by", "work_unit,step", "--year", "2026")
    rows = counter.read("nuraini", "quality", "summary", "--by", "year", "--json")
    assert sum(row["dossiers"] for row in rows) >= 3
    assert "due_at" in said("overdue", "--quarter", "1")
    assert "time_norm_passed" in said("unexplained", "--step", "4")
    assert "submitted" in said("runs", "late", "--step", "4")
    for name, magic in (("mutu.csv", b"\xef\xbb\xbf"), ("mutu.xlsx", b"PK")):
        target = tmp_path / name
        told = said("export", str(target), "--by", "step")
        assert target.read_bytes().startswith(magic)
        assert hashlib.sha256(target.read_bytes()).hexdigest() in told
    refused = counter.ask("nuraini", "quality", "summary", "--by", "colour")
    assert refused.exit_code == 2 and "[group_unknown]" in refused.stderr


@pytest.mark.slow
def test_something_is_found_and_a_sample_is_drawn_from_the_command_line(counter: Counter, tmp_path: Path) -> None:
    found = counter.ask("wahyu", "search", "find", "pengukuran", "kinerja")
    assert found.exit_code == 0 and "dossier 5" in found.stdout, found.output
    hits = counter.read("maya", "search", "find", "pdf", "--kind", "document", "--json")
    assert hits and all(hit["kind"] == "document" for hit in hits)
    drawn = counter.ask("wahyu", "sample", "draw", "2", "--seed", "dadu", "--status", "open", "--period", "2026-1")
    assert drawn.exit_code == 0, drawn.output
    sample = drawn.stdout.split()[-1]
    items = counter.read("wahyu", "sample", "show", sample, "--json")
    assert "seed dadu" in counter.ask("wahyu", "sample", "show", sample).stdout
    saved = counter.ask("wahyu", "sample", "population", sample, str(tmp_path / "population.txt"))
    listed = (tmp_path / "population.txt").read_bytes()
    assert hashlib.sha256(listed).hexdigest() in saved.stdout and items[0]["dossier"] in listed.decode()
    judged = counter.ask("wahyu", "sample", "judge", sample, items[0]["dossier"], "fine", "--note", "Lengkap.")
    assert judged.exit_code == 0, judged.output
    assert [row["looked_at"] for row in counter.read("wahyu", "sample", "list", "--json")] == [1]
    assert counter.ask("maya", "sample", "list").exit_code == 2


def test_a_revoked_token_is_worth_nothing(counter: Counter) -> None:
    made = run("token", "create", "bima", "--password", PASSWORD, "--name", "brief", ARCHIVE_URL=counter.service.url)
    environment = {"ARCHIVE_URL": counter.service.url, "ARCHIVE_TOKEN": made.stdout.strip()}
    listed = CliRunner().invoke(main, ["token", "list", "--json"], env=environment)
    token = next(row["id"] for row in json.loads(listed.stdout) if row["name"] == "brief")
    assert CliRunner().invoke(main, ["token", "revoke", token], env=environment).exit_code == 0
    after = CliRunner().invoke(main, ["token", "list"], env=environment)
    assert after.exit_code == 2 and "[token_refused]" in after.stderr


@pytest.mark.slow
def test_somebody_acts_for_somebody_from_the_command_line(counter: Counter) -> None:
    people_known = counter.read("wahyu", "person", "list", "--json")
    by_name = {row["name"]: row for row in people_known}
    assignment, agus = by_name["Hendra"]["assignments"][0]["assignment"], by_name["Agus"]["person"]
    days = ("--from", "2099-01-01", "--to", "2099-01-05", "--letter", "ST-1", "--letter-on", "2026-01-02")
    made = counter.ask("hendra", "delegation", "propose", assignment, agus, "--mode", "plh", *days)
    assert made.exit_code == 0, made.stderr
    id = made.stdout.strip()
    assert "second_person_needed" in counter.ask("hendra", "delegation", "confirm", id).stderr
    assert counter.ask("agus", "delegation", "confirm", id).exit_code == 0
    (row,) = counter.read("agus", "delegation", "list", "--state", "confirmed", "--json")
    assert (row["substitute_name"], row["absent_name"], row["letter"]) == ("Agus", "Hendra", "ST-1")
    assert counter.read("hendra", "delegation", "show", id, "--json")[0]["may"] == ["end"]
    assert counter.ask("hendra", "delegation", "end", id).exit_code == 0
    for act in ("decline", "withdraw"):
        again = counter.ask("hendra", "delegation", "propose", assignment, agus, "--mode", "plt", *days).stdout.strip()
        by = "agus" if act == "decline" else "hendra"
        assert counter.ask(by, "delegation", act, again).exit_code == 0


@pytest.mark.slow
def test_a_performer_attests_from_the_command_line(counter: Counter) -> None:
    (due,) = counter.read("bima", "attestation", "due", "--json")
    assert counter.ask("bima", "attestation", "make", due["assignment"], due["sop"]).exit_code == 0
    assert counter.read("bima", "attestation", "due", "--json") == []
    found = counter.read("wahyu", "attestation", "list", "--json")
    assert [row["person_name"] for row in found if row["attested_at"]] == ["Bima"]


@pytest.mark.slow
def test_indicators_are_listed_imported_and_taken_off(counter: Counter, tmp_path: Path) -> None:
    dossier, table = counter.at_step_4, tmp_path / "iku.csv"
    assert counter.ask("sari", "indicator", "template", str(table)).exit_code == 0
    odd = counter.ask("sari", "indicator", "template", str(tmp_path / "iku.ods"))
    assert odd.exit_code == 2 and "template_unknown" in odd.stderr
    assert table.read_text(encoding="utf-8-sig").startswith("Kode;Indikator;")
    table.write_text("Kode;Indikator;Target\nIKU-1;Lulusan;80\nIKU-2;;5\n", encoding="utf-8")
    refused = counter.ask("sari", "indicator", "import", dossier, str(table))
    assert refused.exit_code == 2 and "row 3, Indikator" in refused.stderr
    table.write_text("Kode;Indikator;Target\nIKU-1;Lulusan;80\nIKU-2;Dosen;5\n", encoding="utf-8")
    taken = counter.ask("sari", "indicator", "import", dossier, str(table))
    assert taken.stdout == "2 listed or changed, 0 unchanged.\n", taken.stderr
    changed = counter.ask(
        *("sari", "indicator", "set", dossier, "iku-2", "--title", "Dosen", "--target", "6", "--person", "sari")
    )
    assert changed.stdout == "1 listed or changed, 0 unchanged.\n", changed.stderr
    assert counter.ask("sari", "indicator", "remove", dossier, "IKU-1", "--reason", "Ganda.").exit_code == 0
    listed = counter.read("sari", "indicator", "list", dossier, "--json")
    assert [(i["code"], i["target"], i["person_name"], i["evidence"]) for i in listed] == [("IKU-2", "6", "Sari", 0)]
    assert [i["code"] for i in counter.read("sari", "indicator", "mine", "--json")] == ["IKU-2"]
    early = counter.ask("bima", "indicator", "result", dossier, "6", "IKU-2", "--achievement", "5")
    assert early.exit_code == 2 and "step_waiting" in early.stderr
    assert counter.read("sari", "indicator", "recommendations", dossier, "--json") == []
    unknown = counter.ask("bima", "indicator", "answer", dossier, "0" * 64, "done", "--note", "x")
    assert unknown.exit_code == 2 and "recommendation_unknown" in unknown.stderr
    missing = counter.ask("sari", "indicator", "import", dossier, str(tmp_path / "none.csv"))
    assert missing.exit_code == 2 and "file_not_found" in missing.stderr


@pytest.mark.slow
def test_notices_are_read_from_the_command_line(counter: Counter) -> None:
    mine = counter.read("sari", "notices", "list", "--json")
    assert {n["kind"] for n in mine} >= {"step_yours"}
    assert mine[0]["notice"] in counter.ask("sari", "notices").stdout
    assert counter.ask("sari", "notices", "read", mine[0]["notice"]).stdout == "Marked as read: 1.\n"
    assert counter.ask("sari", "notices", "read").stdout == f"Marked as read: {len(mine) - 1}.\n"
    assert counter.read("sari", "notices", "list", "--json") == []
    assert len(counter.read("sari", "notices", "list", "--all", "--json")) >= len(mine)
    stranger = counter.ask("bima", "notices", "read", mine[0]["notice"])
    assert stranger.exit_code == 2 and stranger.stderr.rstrip().endswith("[notice_unknown]")
