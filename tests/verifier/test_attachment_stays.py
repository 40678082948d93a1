"""An issuer who takes back what an explanation rests on, or hides an output behind an attachment, is found out."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from hashlib import sha256
from unittest.mock import patch

import pytest

from archive_service.verifier.verify import INVALID, VALID
from tests.bundling.dossier_builder import LOG_KEY, Builder
from tests.verifier.forger import check

Act = Callable[[Builder], object]


def attach(b: Builder, document: str | None = None) -> str:
    """An attachment of the only deviation; its version's id."""
    (about,) = b.dossier.deviations
    data = f"attachment {b.last_id}".encode()
    digest, document, version = sha256(data).hexdigest(), document or b.make_id(), b.make_id()
    b.objects[digest] = data
    payload = {
        "document": document,
        "version": version,
        "number": len(b.dossier.versions_of(document)) + 1,
        "step": about.step,
        "iteration": about.iteration,
        "kind": "attachment",
        "digest": digest,
        "crc32": f"{zlib.crc32(data):08x}",
        "size": len(data),
        "media_type": "application/pdf",
        "puid": "fmt/18",
        "begun_at": b.now,
        "receipt": None,
        "deviation": about.id,
        "indicator": None,
    }
    b.tell("document.received", b.actor("sari"), payload, {"file_name": "lampiran.pdf"})
    return version


def explain(b: Builder) -> None:
    (about,) = b.dossier.deviations
    waiting = [v.event_hash for v in b.dossier.attachments_of(about.id)]
    facts = {"deviation": about.id, "number": 1, "attachments": waiting}
    b.tell("deviation.explained", b.actor("sari"), facts, {"explanation": "Lihat lampiran."})


def story(act: Act) -> bytes:
    """The whole procedure; ``act`` comes while step 4 runs late."""
    b = Builder()
    submit = b.submit

    def late(login: str, step: str) -> None:
        if step == "4":
            b.sweep()
            act(b)
        submit(login, step)

    b.submit = late  # type: ignore[method-assign]
    b.explain = lambda *_: None  # type: ignore[method-assign]
    b.play()
    return b.bundle()


def withdrawn_before(b: Builder) -> None:
    b.withdraw("sari", attach(b))
    attach(b)
    explain(b)


def withdrawn_after(b: Builder) -> None:
    version = attach(b)
    explain(b)
    b.withdraw("sari", version)


def withdrawn_by_another(b: Builder) -> None:
    b.withdraw("agus", attach(b))
    explain(b)


def over_an_output(b: Builder) -> None:
    attach(b, b.dossier.versions[0].document)
    explain(b)


def test_an_attachment_that_was_withdrawn_before_its_explanation_is_no_breach() -> None:
    assert check(story(withdrawn_before), LOG_KEY).verdict == VALID


@pytest.mark.parametrize(
    ("act", "move"),
    [
        (withdrawn_after, "attachment_stays"),
        (withdrawn_by_another, "attachment_stays"),
        (over_an_output, "attachment_elsewhere"),
    ],
)
def test_what_an_explanation_rests_on_stays(act: Act, move: str) -> None:
    # an issuer who asks nothing before acting, and whose own books look past the document's owner
    with (
        patch("archive_service.domain.dossier.find_refusal", return_value=None),
        patch("archive_service.domain.dossier.any", lambda _: False, create=True),
    ):
        bundle = story(act)
    report = check(bundle, LOG_KEY)
    assert report.verdict == INVALID
    found = {(d.code, d.params.get("move")) for d in report.discrepancies}
    assert ("illegal_move", move) in found
