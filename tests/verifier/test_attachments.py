"""Attachments, forms and paper originals in a bundle: valid as told, and found out where an issuer breaks a rule about them."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest

from archive_service.domain import canonical, deviation, dossier, manifest
from archive_service.domain.event import Event
from archive_service.verifier.container import open_container
from archive_service.verifier.verify import INVALID, VALID
from tests.bundling.dossier_builder import LOG_KEY, Builder
from tests.domain.story import make_id
from tests.verifier.forger import check

Act = Callable[[Builder], object]


def late(b: Builder) -> deviation.Deviation:
    return next(d for d in b.dossier.deviations if d.code == deviation.NORM_PASSED)


def attach(b: Builder, login: str = "sari", **changes: Any) -> str:
    data = f"attachment {b.last_id}".encode()
    b.objects[sha256(data).hexdigest()] = data
    about = late(b)
    payload = {
        **{"document": b.make_id(), "version": b.make_id(), "number": 1, "step": about.step},
        **{"iteration": about.iteration, "kind": "attachment", "digest": sha256(data).hexdigest()},
        **{"crc32": f"{zlib.crc32(data):08x}", "size": len(data), "media_type": "application/pdf", "puid": "fmt/18"},
        **{"begun_at": b.now, "receipt": None, "deviation": about.id, "indicator": None},
        **changes,
    }
    return b.tell("document.received", b.actor(login), payload, {"file_name": "lampiran.pdf"}).leaf_hash


def explain(b: Builder, attachments: list[str]) -> None:
    payload = {"deviation": late(b).id, "number": len(late(b).explanations) + 1, "attachments": attachments}
    b.tell("deviation.explained", b.actor("sari"), payload, {"explanation": "Lihat lampiran."})


def record_paper(b: Builder, login: str = "maya", **changes: Any) -> None:
    place = {"room": "Arsip", "shelf": "2", "box": None, "folder": "TW I"}
    payload = {"document": b.dossier.versions[0].document, "exists": True, **place, **changes}
    b.tell("document.paper_recorded", b.actor(login), payload)


def story(act: Act) -> bytes:
    """The whole procedure; ``act`` comes after step 4 was judged late, in place of the explanation."""
    b = Builder()
    explained: list[str] = []

    def instead(login: str, code: str = deviation.NORM_PASSED) -> None:
        if not explained and code == deviation.NORM_PASSED:
            explained.append(login)
            act(b)
            if not late(b).explanations:
                explain(b, [])

    b.explain = instead  # type: ignore[method-assign]
    b.play()
    assert explained
    return b.bundle()


def test_attachments_and_papers_are_told_by_statement_and_report() -> None:
    def act(b: Builder) -> None:
        explain(b, [attach(b), attach(b)])
        record_paper(b)

    bundle = story(act)
    report = check(bundle, LOG_KEY)
    assert (report.verdict, report.discrepancies) == (VALID, [])
    container = open_container(io.BytesIO(bundle), len(bundle))
    stated = canonical.decode(container.read(manifest.STATEMENT))
    attached = [d for d in stated["documents"] if d["deviation"] is not None]
    assert [(d["step"], d["kind"], d["paper"]) for d in attached] == [("4", "attachment", None)] * 2
    told = container.read(manifest.REPORT).decode()
    for line in (
        *(f"  lampiran sha256 {d['digest']}" for d in attached),
        "[bukan dokumen, tidak diperiksa] Aplikasi pelaporan",
        "[ada] Disposisi pimpinan (disposition; langkah 2)",
    ):
        assert line in told.splitlines(), line
    assert ": asli kertas: ruang Arsip, rak 2, folder TW I\n" in told and ": asli kertas tidak dicatat\n" in told
    assert "(request_letter, PDF JPG PNG): 1 dari sedikitnya 1\n" in told
    assert f"{manifest.DOCUMENTS_FOLDER}s4-i1-attachment-02-v1.pdf" in container.entries


def attached_after_the_explanation(b: Builder) -> None:
    explain(b, [])
    attach(b)


def hidden_attachment(b: Builder) -> None:
    attach(b)
    explain(b, [])


ATTACKS: dict[str, tuple[str, Act]] = {
    "somebody else attaches": ("illegal_move", lambda b: attach(b, "maya")),
    "an attachment after its explanation": ("illegal_move", attached_after_the_explanation),
    "an attachment at another step": ("illegal_move", lambda b: attach(b, step="3")),
    "an attachment of another kind": ("illegal_move", lambda b: attach(b, kind="measurement_data")),
    "an explanation hides an attachment": ("illegal_move", hidden_attachment),
    "an explanation names what was never attached": ("illegal_move", lambda b: explain(b, ["ab" * 32])),
    "a paper of no document": ("illegal_move", lambda b: record_paper(b, document=make_id(5))),
    "a place of no paper": ("illegal_move", lambda b: record_paper(b, exists=False)),
    "an administrator records a paper": ("role_forbidden", lambda b: paper_by_the_administrator(b)),
}


def paper_by_the_administrator(b: Builder) -> None:
    place = dict.fromkeys(("room", "shelf", "box", "folder"))
    payload = {"document": b.dossier.versions[0].document, "exists": True, **place}
    b.tell("document.paper_recorded", b.actor("admin", "administrator"), payload)


def take_anyhow(self: dossier.Dossier, event: Event) -> None:
    """Takes a document as if it were told right."""
    payload = dict(event.payload)
    if payload["deviation"] is not None:
        payload.update(step="4", iteration=1, kind="attachment")
    dossier.Dossier._received(self, replace(event, payload=payload))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_broken_rule_about_attachments_and_papers_is_found(name: str) -> None:
    code, act = ATTACKS[name]
    lenient = {
        "document.received": take_anyhow,
        "document.paper_recorded": lambda self, event: None,
        "deviation.explained": lambda self, event: self.ledger.apply(event),
    }
    # an issuer who asks nothing before acting, and takes what they wrote themselves
    with (
        patch("archive_service.domain.dossier.find_refusal", return_value=None),
        patch.dict(dossier._FOLDS, lenient),
    ):
        bundle = story(act)
    report = check(bundle, LOG_KEY)
    assert report.verdict == INVALID
    assert code in {d.code for d in report.discrepancies}, [d.code for d in report.discrepancies]
