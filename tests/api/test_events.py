"""Events come as they were hashed, with proofs that verify."""

from __future__ import annotations

import base64
from typing import Any

from archive_service.db.models import CheckpointRow
from archive_service.domain import merkle, note
from archive_service.domain.checkpoint import parse_checkpoint
from archive_service.domain.event import parse_event
from archive_service.services import log
from archive_service.verifier import ed25519
from tests.api.conftest import Client
from tests.office import Office


def test_a_page_holds_the_exact_bytes_and_their_places(office: Office, call: Client) -> None:
    dossier = office.play("2")
    office.turn()
    reader = call("nuraini")
    path = f"/api/v1/dossiers/{dossier}/events"
    lines = reader.ask("GET", path, headers={"Accept": "*/*"}).data.splitlines()
    page = reader.ask("GET", f"{path}?limit=200", headers={"Accept": "application/json"}).get_json()
    assert [base64.b64decode(e["data"]) for e in page["events"]] == lines
    for event, line in zip(page["events"], lines, strict=True):
        assert event["leaf_hash"] == merkle.leaf_hash(line).hex() == parse_event(line).leaf_hash
        assert (event["seq"], event["type"]) == (parse_event(line).seq, parse_event(line).type)
        assert event["leaf_index"] >= 0
    one = reader.get(f"{path}/3")[1]
    assert one == page["events"][3]


def test_a_proof_leads_to_the_root_that_was_signed(office: Office, call: Client) -> None:
    dossier = office.play("2")
    office.turn()
    # a turn signs once: its jobs wrote events after that
    office.turn()
    reader = call("wahyu")
    count = int(str(reader.get(f"/api/v1/dossiers/{dossier}")[1]["events"]))
    for seq in range(count):
        status, found = reader.get(f"/api/v1/dossiers/{dossier}/events/{seq}/proof")
        assert status == 200
        signed: dict[str, Any] = found["checkpoint"]  # type: ignore[assignment]
        parsed = note.parse_note(signed["note"].encode())
        assert note.signed_by(parsed, office.archive.log_key.verifier_key, ed25519.verify)
        head = parse_checkpoint(parsed.text)
        assert (head.size, head.root.hex()) == (signed["size"], signed["root"])
        leaf = merkle.leaf_hash(base64.b64decode(str(found["data"])))
        path = [base64.b64decode(step) for step in found["proof"]]  # type: ignore[attr-defined]
        merkle.require_inclusion(int(str(found["leaf_index"])), head.size, leaf, path, head.root)


def test_a_proof_waits_for_its_checkpoint(office: Office, call: Client) -> None:
    office.turn()
    dossier = office.play("1")
    reader = call("maya")
    path = f"/api/v1/dossiers/{dossier}/events/0/proof"
    response = reader.ask("GET", path)
    assert (response.status_code, response.get_json()["code"]) == (409, "not_yet_covered")
    assert response.headers["Retry-After"] == "1"
    assert log.sequence_pending(office.archive) > 0
    assert reader.ask("GET", path).status_code == 409
    office.turn()
    assert reader.ask("GET", path).status_code == 200


def test_a_named_checkpoint_is_used_or_refused(office: Office, call: Client) -> None:
    office.turn()
    with office.archive.db.read() as session:
        old = session.query(CheckpointRow).one().size
    dossier = office.play("1")
    office.turn()
    reader = call("maya")
    path = f"/api/v1/dossiers/{dossier}/events/0/proof"
    newest: dict[str, int] = reader.get(path)[1]["checkpoint"]  # type: ignore[assignment]
    assert reader.get(f"{path}?checkpoint={newest['size']}")[1]["checkpoint"] == newest
    for query, status, code in (
        (f"checkpoint={old}", 409, "not_yet_covered"),
        ("checkpoint=999999", 404, "checkpoint_unknown"),
        ("checkpoint=0", 422, "query_invalid"),
        (f"checkpoint={10**20}", 422, "query_invalid"),
    ):
        answered, problem = reader.get(f"{path}?{query}")
        assert (answered, problem["code"]) == (status, code), query


def test_there_is_no_event_behind_the_last(office: Office, call: Client) -> None:
    dossier = office.play("1")
    for seq in ("99", "99/proof", str(10**14)):
        status, problem = call("maya").get(f"/api/v1/dossiers/{dossier}/events/{seq}")
        assert (status, problem["code"]) == (404, "event_unknown")
    assert call("maya").get(f"/api/v1/dossiers/{dossier}/events/{10**20}")[1]["code"] == "not_found"


def test_jobs_show_how_far_the_bundle_is(office: Office, call: Client) -> None:
    dossier = office.play()
    maya = call("maya")
    waiting: list[dict[str, object]] = maya.get(f"/api/v1/dossiers/{dossier}/jobs")[1]["jobs"]  # type: ignore[assignment]
    (bundle,) = [j for j in waiting if j["name"] == "build_bundle"]
    assert {j["name"] for j in waiting} == {"build_bundle", "judge_step", "lock_object"}
    assert (bundle["state"], bundle["progress"]) == ("ready", 0)
    office.turn()
    status, done = maya.get(f"/api/v1/jobs/{bundle['job']}")
    assert (status, done["state"], done["progress"], done["dossier"]) == (200, "done", 100, dossier)
    lock = next(j for j in waiting if j["name"] == "lock_object")
    assert maya.get(f"/api/v1/jobs/{lock['job']}")[1]["dossier"] == dossier
    assert maya.get(f"/api/v1/jobs/{'0' * 32}")[1]["code"] == "job_unknown"
    assert call("admin").get(f"/api/v1/jobs/{bundle['job']}")[0] == 403
