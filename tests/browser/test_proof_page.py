"""The page for proof in a real browser, from disk and without network: it finds in a bundle what the Python verifier finds."""

from __future__ import annotations

import base64
import hmac
import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from playwright.sync_api import Browser, Page, expect, sync_playwright

from archive_service.domain import canonical, manifest
from archive_service.domain.manifest import ZipEntry
from archive_service.domain.receipt import Receipt, format_receipt
from archive_service.signing import SigningKey, named
from archive_service.verifier import ed25519
from archive_service.verifier.documents import check_document
from archive_service.verifier.messages import DOCUMENT_STEPS, STEPS
from archive_service.verifier.verify import INVALID, REDACTED, SKIPPED, UNCONFIRMED, VALID, Report
from archive_service.web.proof_page import build_page
from tests.browser.conftest import ARGUMENTS, find_chromium
from tests.bundling.dossier_builder import LOG_KEY, ORIGIN, Builder
from tests.verifier.forger import Files, Forger, check, pack, unpack, zip_up
from tests.verifier.test_attacks import ATTACKS
from tests.verifier.test_flips import header_places
from tests.verifier.test_hostile import BAD_FILES
from tests.verifier.test_verify import CONTAINERS, FORGERIES, REPACKED, ZIPS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("proof page")]

COMPUTED = {"container", "bag", "events", "chains", "closing", "checkpoint", "membership", "documents", "openings"}
WORDS = {VALID: "INTACT", REDACTED: "INTACT WITH REDACTIONS", UNCONFIRMED: UNCONFIRMED}
CHECK = """
async ([data, key]) => {
  const { checkBundle, parseVkey, Work } = archiveProof;
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  const report = await checkBundle(new Blob([bytes]), key && parseVkey(key), new Work());
  return { verdict: report.verdict, steps: report.steps };
}
"""
CHECK_DOCUMENT = """
async ([data, receipt, keys]) => {
  const { checkDocument, parseVkey, Work } = archiveProof;
  const blob = (text) => new Blob([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))]);
  const report = await checkDocument(blob(data), blob(receipt), keys && keys.map(parseVkey), new Work());
  return { verdict: report.verdict, steps: report.steps };
}
"""


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass
class Prover:
    """The page, opened from a file in a browser that is offline; whatever it asks the network for is kept."""

    page: Page
    asked: list[str]
    troubles: list[str]

    def check(self, bundle: bytes, key: SigningKey | None) -> dict[str, Any]:
        """The page's report on a bundle."""
        found: dict[str, Any] = self.page.evaluate(CHECK, [base64_of(bundle), key and key.vkey])
        return found

    def check_document(self, data: bytes, receipt: bytes, keys: list[SigningKey] | None) -> dict[str, Any]:
        """The page's report on a document and its receipt."""
        vkeys = None if keys is None else [key.vkey for key in keys]
        found: dict[str, Any] = self.page.evaluate(CHECK_DOCUMENT, [base64_of(data), base64_of(receipt), vkeys])
        return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "periksa.html"
    path.write_bytes(build_page().data)
    return path


def open_page(browser: Browser, path: Path, **context: Any) -> Prover:
    prover = Prover(browser.new_context(offline=True, locale="id-ID", **context).new_page(), [], [])
    prover.page.on("request", lambda request: prover.asked.append(request.url))
    prover.page.on("console", lambda message: prover.troubles.append(message.text))
    prover.page.on("pageerror", lambda error: prover.troubles.append(str(error)))
    prover.page.goto(path.as_uri())
    return prover


@pytest.fixture(scope="module")
def prover(browser: Browser, page_file: Path) -> Iterator[Prover]:
    prover = open_page(browser, page_file)
    yield prover
    assert [url for url in prover.asked if url != page_file.as_uri() and not url.startswith("data:")] == []
    assert prover.troubles == []


@pytest.fixture(scope="module")
def bundle() -> bytes:
    """A bundle with a short text where the verifier is, which nobody judges: hundreds of these go to the browser."""
    return repacked(Builder().play().bundle(), lambda files: files.update({manifest.VERIFIER: b"# verify.py\n"}))


def differences(prover: Prover, bundle: bytes, key: SigningKey | None = LOG_KEY) -> list[str]:
    """Where the page's report on a bundle is another than the Python verifier's."""
    return compare(check(bundle, key), prover.check(bundle, key))


def compare(expected: Report, found: dict[str, Any]) -> list[str]:
    """Every step that both compute, by state and by code and place of all that was found; and the last word.

    The page does not know the closed schema of each type's payload: an event that is wrong in nothing else passes there. It goes on where
    the Python verifier stops because a step that the page does not compute has failed; of those steps nothing is asked.
    """
    if expected.is_no_bundle:
        return [] if found["verdict"] == "NO BUNDLE" else [found["verdict"]]
    differing = []
    shared = []
    for mine, theirs in zip(expected.steps, found["steps"], strict=True):
        if mine.id not in COMPUTED:
            assert theirs["state"] == "elsewhere"
            continue
        listed = {(d.code, d.place) for d in mine.discrepancies if not d.text.startswith("schema: payload")}
        state = mine.state if listed or mine.state != "failed" else "passed"
        if mine.state != SKIPPED:
            shared.append(state)
            if (state, listed) != (theirs["state"], {(d["code"], d["place"]) for d in theirs["discrepancies"]}):
                differing.append(f"{mine.id}: {state} {sorted(listed)} ≠ {theirs}")
    word = WORDS.get(expected.verdict)
    if word is not None and found["verdict"] != word:
        differing.append(f"{expected.verdict} ≠ {found['verdict']}")
    if expected.verdict == INVALID and "failed" in shared and found["verdict"] != INVALID:
        differing.append(found["verdict"])
    assert found["verdict"] not in (VALID, REDACTED)
    return differing


def repacked(bundle: bytes, change: Callable[[Files], None]) -> bytes:
    folder, files = unpack(bundle)
    change(files)
    return pack(folder, files)


def test_an_honest_bundle_is_intact_and_confirmed_only_by_its_pinned_key(prover: Prover, bundle: bytes) -> None:
    assert differences(prover, Builder().play().bundle()) == []
    assert differences(prover, bundle) == []
    assert differences(prover, bundle, None) == []
    other = named(Ed25519PrivateKey.generate(), ORIGIN)
    assert differences(prover, bundle, other) == []
    assert prover.check(bundle, other)["verdict"] == INVALID
    builder = Builder().play()
    evidence = builder.evidence()
    kept = {key: value for key, value in evidence.openings.items() if key[1] != "name"}
    assert differences(prover, builder.bundle(replace(evidence, openings=kept))) == []


def test_a_large_document_in_a_bundle_is_hashed_in_pieces(prover: Prover) -> None:
    builder = Builder()
    builder.play_to_step_4()
    builder.at("2026-04-10T13:00")
    builder.upload("sari", "5", "meeting_decision", random.Random(1).randbytes(3 * 1024 * 1024 + 5))
    builder.play_from_step_5()
    assert differences(prover, builder.bundle()) == []


def test_a_change_under_a_consistent_bag_is_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    found = {name: differences(prover, repacked(bundle, change)) for name, (change, _) in REPACKED.items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_damaged_containers_and_tricks_of_names_are_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    folder, files = unpack(bundle)
    damaged = {name: damage(bundle) for name, (damage, _) in CONTAINERS.items()}
    damaged |= {name: zip_up(members(folder, files)) for name, members in ZIPS.items()}
    damaged |= {"empty": b"", "zeros": b"\0" * 500, "text": b"not a bundle"}
    for path in (manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST, manifest.TAG_MANIFEST):
        rest = {p: d for p, d in files.items() if p != path}
        damaged[f"without {path}"] = pack(folder, rest, remake_bag=False)
    found = {name: differences(prover, data) for name, data in damaged.items()}
    assert {name: each for name, each in found.items() if each} == {}


def test_evidence_of_another_form_is_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    found = {
        name: differences(prover, repacked(bundle, lambda files: files.update({path: data})))  # noqa: B023 - called at once
        for name, (path, data, _) in BAD_FILES.items()
    }
    assert {name: each for name, each in found.items() if each} == {}


TRICKS = (
    b"1.0", b"1e3", b"-0", b"9007199254740993", b"9007199254740992", b"-9007199254740992", b"01", b"NaN", b"Infinity", b"1E400",
    b"9" * 400, b'{"a":1,"a":1}', b'{"b":1,"a":1}', b'{"a": 1}', b" 1", b"1\n", b'"\\u0041"', b'"\\/"', b'"\\ud800"',
    b'"\xed\xa0\x80"', b'"\xc0\x80"', b'"\xff"', b"\xef\xbb\xbf1", b'"\\u000A"', b'"\x7f\xe2\x80\xa8"', b'"\\u2028"', b'"\x01"',
    b'{"\xc3\xa9":1}', b"[" * 33 + b"]" * 33, b"[" * 32 + b"]" * 32, b"[" * 100_000 + b"]" * 100_000, b"[1,]", b"'a'", b"", b"nul",
    b'{"__proto__":{"x":1}}', b'{"10":1,"9":2}', b'{"9":1,"10":2}', b'"\xf0\x9f\x98\x80\\b\\f\\n\\r\\t\\"\\\\"', b"-9007199254740991",
    b'{"":[],"a":{},"b":[null,true,false]}', b'"\\u001f"', b'"\\u001F"', b'[1,1.5]', b"0", b"-1", b"--1", b"+1", b"1 1", b'"a',
)  # fmt: skip


def test_json_is_accepted_exactly_where_python_accepts_it(prover: Prover) -> None:
    rng = random.Random(5)
    cases = list(TRICKS)
    whole = canonical.encode({"a": [1, -5, "x\u00e9\n"], "b": {"c": None, "d": True}, "k": "\U0001f600"})
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randint(1, 2)):
            data[rng.randrange(len(data))] = rng.choice(b' "\\{}[],:0123456789.eE-tfnu\x00\xc3\xa9abc')
        cases.append(bytes(data))

    def accepts(data: bytes) -> bool:
        try:
            canonical.decode(data)
        except canonical.CanonicalError:
            return False
        return True

    found = prover.page.evaluate(
        """(cases) => cases.map((data) => {
          try { archiveProof.decodeCanonical(Uint8Array.from(atob(data), (c) => c.charCodeAt(0))); return true; }
          catch (error) { return error.constructor.name === "FormError" ? false : String(error); }
        })""",
        [base64_of(data) for data in cases],
    )
    wrong = [(data[:40], theirs) for data, theirs in zip(cases, found, strict=True) if theirs != accepts(data)]
    assert wrong == []
    assert 5 <= sum(found) < len(found) / 2


def test_hashes_are_those_of_the_standard_library(prover: Prover) -> None:
    rng = random.Random(7)
    cases = [rng.randbytes(length) for length in [*range(140), 1000, 65_537]]
    script = """(cases) => cases.map((text) => {
      const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
      const { hex, sha256, sha512, hmacSha256 } = archiveProof;
      return [hex(sha256(bytes)), hex(sha512(bytes)), hex(hmacSha256(bytes.slice(0, 32), bytes))];
    })"""
    found = prover.page.evaluate(script, [base64_of(data) for data in cases])
    assert found == [
        [sha256(data).hexdigest(), sha512(data).hexdigest(), hmac.new(data[:32], data, "sha256").hexdigest()]
        for data in cases
    ]


def signature_cases() -> list[tuple[bytes, bytes, bytes]]:
    """Right signatures, and others that only strictness refuses (non-canonical s, y beyond p, minus zero, small order)."""
    key = Ed25519PrivateKey.from_private_bytes(b"\7" * 32)
    public = key.public_key().public_bytes_raw()
    order = 2**252 + 27742317777372353535851937790883648493
    cases = []
    for message in (b"", b"abc", b"x" * 300):
        right = key.sign(message)
        s = int.from_bytes(right[32:], "little")
        cases.append((public, message, right))
        cases.append((public, message + b"!", right))
        cases.append((public, message, right[:32] + (s + order).to_bytes(32, "little")))
        cases += [(public, message, bytes([*right[:i], right[i] ^ 1, *right[i + 1 :]])) for i in (0, 31, 32, 63)]
        cases += [(public, message, right[:63]), (public[:31], message, right)]
    zeros = bytes(64)
    small = [(1).to_bytes(32, "little"), bytes(32), (2**255 - 20).to_bytes(32, "little")]
    beyond = [(2**255 - 19 + 1).to_bytes(32, "little"), (1 | 1 << 255).to_bytes(32, "little"), b"\xff" * 32]
    for point in [*small, *beyond]:
        cases += [(point, b"", zeros), (point, b"", point + bytes(32)), (public, b"", point + bytes(32))]
    return cases


def test_signatures_are_judged_as_in_python(prover: Prover) -> None:
    cases = signature_cases()
    script = """(cases) => cases.map((parts) => {
      return archiveProof.verifyEd25519(...parts.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0))));
    })"""
    found = prover.page.evaluate(script, [[base64_of(part) for part in case] for case in cases])
    assert found == [ed25519.verify(*case) for case in cases]
    assert 3 <= sum(found) < len(found)


def vouched(**changes: bytes | None) -> Callable[[Files], None]:
    """Adds an attested checkpoint with two time-stamps, and then puts, or takes away, these evidence files."""

    def change(files: Files) -> None:
        stem = f"{manifest.CHECKPOINTS_FOLDER}{3:020d}"
        files[manifest.CONSISTENCY] = canonical.encode({"3": ["ab" * 32]})
        files |= {f"{stem}.txt": b"a note", f"{stem}.1.tsr": b"one", f"{stem}.2.tsr": b"two"}
        for name, data in changes.items():
            path = {"consistency": manifest.CONSISTENCY, "keys": manifest.KEYS, "checkpoint": manifest.CHECKPOINT}.get(
                name
            )
            path = path or f"{stem}.{name.replace('_', '.')}"
            if data is None:
                del files[path]
            else:
                files[path] = data

    return change


def with_line(key: SigningKey, data: bytes) -> Callable[[Files], None]:
    """Adds a signature line with these bytes, under this key's name and id, to the checkpoint."""

    def change(files: Files) -> None:
        line = f"\u2014 {key.verifier_key.name} {base64_of(key.verifier_key.key_id + data)}\n"
        files[manifest.CHECKPOINT] += line.encode()

    return change


@pytest.mark.full
def test_what_others_attest_and_older_keys_are_read_as_in_python(prover: Prover, bundle: bytes) -> None:
    older, witness = named(Ed25519PrivateKey.generate(), ORIGIN), named(Ed25519PrivateKey.generate(), "witness.test/w")
    keys = f"{LOG_KEY.vkey}\n{LOG_KEY.vkey}\n".encode()
    _, files = unpack(bundle)
    right = files[manifest.KEYS]
    signed = files[manifest.CHECKPOINT]
    both = signed + older.sign(signed.decode().partition("\n\n")[0] + "\n").partition(b"\n\n")[2]
    by_older = older.sign(signed.decode().partition("\n\n")[0] + "\n")
    many = canonical.encode({str(size): [] for size in range(1, manifest.ATTESTED_LIMIT + 2)})
    more = right + older.vkey.encode() + b"\n"

    def wrong_line(files: Files) -> None:
        vouched(keys=more)(files)
        with_line(older, bytes(64))(files)

    def nothing_attested(files: Files) -> None:
        del files[manifest.CONSISTENCY]

    changes: dict[str, Callable[[Files], None]] = {
        "attested": vouched(),
        "a size of 01": vouched(consistency=b'{"03":[]}'),
        "no list": vouched(consistency=b'{"3":1}'),
        "no hash": vouched(consistency=b'{"3":["xy"]}'),
        "another size": vouched(consistency=b'{"4":[]}'),
        "a list": vouched(consistency=b"[]"),
        "too many": vouched(consistency=many),
        "spaces": vouched(consistency=b'{"3": []}'),
        "no note": vouched(txt=None),
        "no first token": vouched(**{"1_tsr": None}),
        "a token too far": vouched(**{"4_tsr": b"four"}),
        "no consistency": nothing_attested,
        "an older key": vouched(keys=more),
        "signed by both": vouched(keys=more, checkpoint=both),
        "signed by the older": vouched(keys=more, checkpoint=by_older),
        "signed by an unnamed key too": vouched(checkpoint=both),
        "a key twice": vouched(keys=keys),
        "another log's key": vouched(keys=right + witness.vkey.encode() + b"\n"),
        "one key": vouched(keys=right.splitlines(keepends=True)[0]),
        "cosigned": with_line(witness, bytes(72)),
        "a stray line": with_line(witness, bytes(64)),
        "a wrong line of the older": wrong_line,
    }
    found, verdicts = {}, {}
    for name, change in changes.items():
        data = repacked(bundle, change)
        found[name] = differences(prover, data) + differences(prover, data, older)
        verdicts[name] = prover.check(data, LOG_KEY)["verdict"]
    assert {name: each for name, each in found.items() if each} == {}
    good = {name for name, verdict in verdicts.items() if verdict == "INTACT"}
    assert good == {"attested", "an older key", "signed by both", "cosigned"}


OF_INTEGRITY = (
    "document recorded with another CRC", "document of other bytes", "document left out", "another name", "another salt",
    "opening of nothing", "opening of another field",
)  # fmt: skip
SAMPLE_FORGERIES = ("time goes backwards", "event id twice", "event of another log", "late step called on time")


def attacked(name: str) -> bytes:
    attack = ATTACKS[name]
    builder = Builder(attack.tamper)
    attack.story(builder)
    evidence = builder.evidence()
    return builder.bundle(evidence if attack.change is None else attack.change(builder, evidence))


def forged(bundle: bytes, name: str) -> bytes:
    forger = Forger.of(bundle, LOG_KEY)
    FORGERIES[name][0](forger)
    try:
        return forger.remake()
    except ValueError:
        folder, files = unpack(bundle)
        files[manifest.EVENTS] = b"".join(canonical.encode(e) + b"\n" for e in forger.events)
        return pack(folder, files)


def test_what_an_issuer_forges_is_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    found = {name: differences(prover, attacked(name)) for name in OF_INTEGRITY}
    found |= {name: differences(prover, forged(bundle, name)) for name in SAMPLE_FORGERIES}
    assert {name: each for name, each in found.items() if each} == {}


@pytest.mark.full
@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_is_found_as_in_python(prover: Prover, name: str) -> None:
    assert differences(prover, attacked(name)) == []


@pytest.mark.full
@pytest.mark.parametrize("name", FORGERIES)
def test_every_forgery_is_found_as_in_python(prover: Prover, bundle: bytes, name: str) -> None:
    assert differences(prover, forged(bundle, name)) == []


def flipped(bundle: bytes, place: int) -> bytes:
    data = bytearray(bundle)
    data[place] ^= 1 << place % 8
    return bytes(data)


def test_flipped_bits_are_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    rng = random.Random(3)
    places = [rng.randrange(len(bundle)) for _ in range(12)] + rng.sample(header_places(bundle), 18)
    found = {place: differences(prover, flipped(bundle, place)) for place in places}
    assert {place: each for place, each in found.items() if each} == {}


@pytest.mark.full
def test_many_flipped_bits_are_found_as_in_python(prover: Prover, bundle: bytes) -> None:
    rng = random.Random(4)
    places = [rng.randrange(len(bundle)) for _ in range(300)] + rng.sample(header_places(bundle), 500)
    found = {place: differences(prover, flipped(bundle, place)) for place in places}
    assert {place: each for place, each in found.items() if each} == {}


# documents and receipts ----------------------------------------------------------------------------------------------

DOCUMENT = b"%PDF-1.7 a document"
RECEIPT_KEY = named(Ed25519PrivateKey.from_private_bytes(b"\5" * 32), f"{ORIGIN}/receipt")


def receipt_for(data: bytes, key: SigningKey = RECEIPT_KEY, **other: Any) -> bytes:
    facts = Receipt(
        ORIGIN, "dossier:" + "0" * 32, 4, "ab" * 32, sha256(data).hexdigest(), len(data), "2026-04-06T02:05:00.000000Z"
    )
    return key.sign(format_receipt(replace(facts, **other)))


def test_a_document_and_its_receipt_are_judged_as_in_python(prover: Prover) -> None:
    right = receipt_for(DOCUMENT)
    keys = [LOG_KEY, RECEIPT_KEY]
    stranger = named(Ed25519PrivateKey.generate(), f"{ORIGIN}/receipt")
    cases: list[tuple[bytes, bytes, list[SigningKey] | None]] = [
        (DOCUMENT, right, keys),
        (DOCUMENT, right, [RECEIPT_KEY]),
        (DOCUMENT, right, None),
        (DOCUMENT + b"!", right, keys),
        (DOCUMENT[:-1] + b"T", right, keys),
        (DOCUMENT[:-1] + b"T", right, None),
        (b"", right, keys),
        (DOCUMENT, right, [LOG_KEY]),
        (DOCUMENT, receipt_for(DOCUMENT, stranger), keys),
        (DOCUMENT, receipt_for(DOCUMENT, LOG_KEY), keys),
        (DOCUMENT, receipt_for(DOCUMENT, origin="archive.test/other"), keys),
        (DOCUMENT, right.replace(b"seq 4", b"seq 5"), keys),
        (DOCUMENT, right[:-3] + b"\n", keys),
        (DOCUMENT, b"", keys),
        (DOCUMENT, b"hello\n\n", keys),
        (DOCUMENT, RECEIPT_KEY.sign("something else\n"), keys),
    ]
    verdicts = []
    for data, receipt, trusted in cases:
        pinned = None if trusted is None else [key.verifier_key for key in trusted]
        expected = check_document(io.BytesIO(data), len(data), receipt, pinned)
        found = prover.check_document(data, receipt, trusted)
        assert [step["id"] for step in found["steps"]] == list(DOCUMENT_STEPS)
        assert [(s.id, s.state, [d.code for d in s.discrepancies]) for s in expected.steps] == [
            (s["id"], s["state"], [d["code"] for d in s["discrepancies"]]) for s in found["steps"]
        ]
        assert found["verdict"] == {VALID: "RECEIPT CONFIRMED"}.get(expected.verdict, expected.verdict)
        verdicts.append(found["verdict"])
    assert len(set(verdicts)) == 3


# large files ---------------------------------------------------------------------------------------------------------

HASH_FILE = """
async () => {
  let beats = 0;
  const timer = setInterval(() => { beats += 1; }, 10);
  const file = document.getElementById("subject").files[0];
  const found = await archiveProof.hashPart(file, 0, file.size, new archiveProof.Work(file.size));
  clearInterval(timer);
  return { digest: found.digest, length: found.length, beats };
}
"""


@pytest.mark.parametrize("size", [12_000_003, pytest.param(350_000_001, marks=pytest.mark.full)])
def test_a_large_file_has_the_digest_that_hashlib_gives_and_the_page_stays_alive(
    browser: Browser, page_file: Path, tmp_path: Path, size: int
) -> None:
    large = tmp_path / "large.bin"
    seen, rng = sha256(), random.Random(size)
    with large.open("wb") as out:
        for at in range(0, size, 1_000_003):
            piece = rng.randbytes(min(1_000_003, size - at))
            seen.update(piece)
            out.write(piece)
    prover = open_page(browser, page_file)
    prover.page.set_input_files("#subject", large)
    prover.page.set_default_timeout(120_000)
    found = prover.page.evaluate(HASH_FILE)
    assert (found["digest"], found["length"]) == (seen.hexdigest(), size)
    assert found["beats"] >= 1 + size // 50_000_000, "other tasks of the page had their turn"
    assert prover.troubles == []
    prover.page.context.close()


LIST_FILES = """
async () => {
  const { openContainer, Work } = archiveProof;
  const container = await openContainer(document.getElementById("subject").files[0], new Work());
  return [...container.entries.values()].map((entry) => [entry.name, entry.size, entry.crc32, entry.offset]);
}
"""


def test_a_container_beyond_four_gigabytes_is_read_by_its_64_bit_numbers(
    browser: Browser, page_file: Path, tmp_path: Path
) -> None:
    folder = manifest.bundle_name("0" * 32)
    entries: list[ZipEntry] = []
    offset = 0
    for name, size in (("bagit.txt", 5 * 2**30 + 1), ("data/a.bin", 2**32), ("data/b.bin", 7)):
        entries.append(ZipEntry(f"{folder}/{name}", size, 0xFFFFFFFF - len(entries), offset))
        offset = entries[-1].data_offset + size
    central = b"".join(manifest.central_header(entry) for entry in entries)
    path = tmp_path / "large.zip"
    with path.open("wb") as out:
        # sparse: the zeros between the headers take no room
        for entry in entries:
            out.seek(entry.offset)
            out.write(manifest.local_header(entry))
        out.seek(offset)
        out.write(central + manifest.end_records(len(entries), len(central), offset))
    prover = open_page(browser, page_file)
    prover.page.set_input_files("#subject", path)
    assert prover.page.evaluate(LIST_FILES) == [list(entry) for entry in entries]
    prover.page.context.close()


# what people see and press -------------------------------------------------------------------------------------------

DROP = """
async (files) => {
  const transfer = new DataTransfer();
  for (const [name, data] of files) {
    transfer.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name));
  }
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}
"""


@pytest.fixture
def desk(browser: Browser, page_file: Path) -> Iterator[Prover]:
    """A page of its own on a narrow phone."""
    desk = open_page(browser, page_file, viewport={"width": 360, "height": 740})
    desk.page.set_default_timeout(10_000)
    yield desk
    assert [url for url in desk.asked if url != page_file.as_uri() and not url.startswith("data:")] == []
    assert desk.troubles == []
    wide = desk.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    desk.page.context.close()
    assert wide <= 0, f"the page sticks out by {wide} px"


def drop(desk: Prover, **files: bytes) -> None:
    desk.page.evaluate(DROP, [[name, base64_of(data)] for name, data in files.items()])


def page_is_empty(desk: Prover) -> bool:
    """Whether no result is shown."""
    return desk.page.locator("#result").is_hidden()


def test_a_bundle_and_a_key_are_dropped_and_the_numbered_steps_are_shown(desk: Prover, bundle: bytes) -> None:
    page = desk.page
    drop(desk, paket=bundle)
    expect(page.locator("#verdict")).to_contain_text("KONSISTEN, PENERBIT TIDAK DIPASTIKAN")
    drop(desk, vkey=f"{LOG_KEY.vkey}\n{RECEIPT_KEY.vkey}\n".encode())
    expect(page.locator("#result")).to_be_hidden()
    page.get_by_role("button", name="Periksa").click()
    expect(page.locator("#verdict")).to_contain_text("UTUH, DITANDATANGANI KUNCI INI")
    for column, language in ((0, "Indonesia"), (1, "English")):
        page.get_by_role("button", name=language).click()
        steps = page.locator("#steps > li")
        shown = [[part.inner_text() for part in step.locator("> span").all()[:2]] for step in steps.all()]
        assert shown == [[f"{number}.", texts[column]] for number, texts in enumerate(STEPS.values(), 1)]
    assert page.locator("html").get_attribute("lang") == "en"
    expect(page.locator("#verdict")).to_contain_text("INTACT, SIGNED BY THIS KEY")
    states = {each.get_attribute("data-step"): each.get_attribute("class") for each in steps.all()}
    assert states == {id: "passed" if id in COMPUTED else "elsewhere" for id in STEPS}
    expect(page.get_by_text("Verdicts are not computed again here")).to_be_visible()
    drop(desk, broken=bundle[:-1])
    expect(page.locator("#verdict")).to_contain_text("INVALID")
    expect(page.locator("#steps .failed")).to_contain_text("container_damaged")


def test_a_document_is_chosen_by_its_labels_with_the_keyboard_at_hand(desk: Prover, tmp_path: Path) -> None:
    page = desk.page
    for name, data in (
        ("surat.pdf", DOCUMENT),
        ("terima.txt", receipt_for(DOCUMENT)),
        ("vkey.txt", f"{LOG_KEY.vkey}\r\n{RECEIPT_KEY.vkey}\r\n".encode()),
    ):
        (tmp_path / name).write_bytes(data)
    page.get_by_role("button", name="Periksa").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Pilih paket arsip atau dokumen dahulu.")
    page.get_by_label("Paket arsip (.zip) atau dokumen").set_input_files(tmp_path / "surat.pdf")
    page.get_by_role("button", name="Periksa").press("Enter")
    expect(page.locator("#verdict")).to_contain_text("BUKAN PAKET ARSIP")
    page.get_by_label("Tanda terima dokumen").set_input_files(tmp_path / "terima.txt")
    page.get_by_label("Atau kunci dari berkas").set_input_files(tmp_path / "vkey.txt")
    expect(page.get_by_label("Kunci pemeriksa", exact=True)).to_have_value(f"{LOG_KEY.vkey}\n{RECEIPT_KEY.vkey}")
    page.get_by_role("button", name="Periksa").press("Enter")
    expect(page.locator("#verdict")).to_contain_text("ISI SAMA, TANDA TERIMA SAH")
    expect(page.locator("#verdict")).to_contain_text(sha256(DOCUMENT).hexdigest())
    assert page.evaluate("document.activeElement.id") == "result-title"
    page.get_by_label("Kunci pemeriksa", exact=True).fill("bukan+kunci")
    page.get_by_role("button", name="Periksa").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Kunci pemeriksa tidak dapat dipakai")
    expect(page.locator("#result")).to_be_hidden()


def test_dropped_documents_and_receipts_find_their_places_and_nothing_from_a_file_is_markup(desk: Prover) -> None:
    page = desk.page
    drop(desk, **{"<img src=x onerror=alert(1)>.pdf": DOCUMENT})
    expect(page.get_by_role("status")).to_have_text(
        "Dokumen sudah dipilih. Tambahkan tanda terimanya, lalu tekan Periksa."
    )
    drop(desk, terima=receipt_for(DOCUMENT + b"!"))
    expect(page.locator("#verdict")).to_contain_text("TIDAK SAH")
    expect(page.get_by_role("status")).to_have_text("Selesai: TIDAK SAH")
    assert page.locator("#result img").count() == 0
    expect(page.locator("#about")).to_contain_text("<img src=x")


def test_a_receipt_may_come_before_its_document_and_leaves_with_it(desk: Prover, bundle: bytes) -> None:
    page = desk.page
    drop(desk, terima=receipt_for(DOCUMENT))
    expect(page.get_by_role("status")).to_have_text(
        "Tanda terima sudah dipilih. Tambahkan dokumennya, lalu tekan Periksa."
    )
    drop(desk, surat=DOCUMENT)
    expect(page.locator("#verdict")).to_contain_text("KONSISTEN")
    expect(page.locator("#verdict")).to_contain_text("belum terbukti dari siapa")
    drop(desk, paket=bundle)
    expect(page.locator("#steps > li")).to_have_count(len(STEPS))
    assert page.evaluate("document.getElementById('receipt').files.length") == 0


def test_a_file_that_is_gone_is_a_sentence(desk: Prover, tmp_path: Path) -> None:
    gone = tmp_path / "hilang.zip"
    gone.write_bytes(b"PK\x03\x04")
    desk.page.set_input_files("#subject", gone)
    gone.unlink()
    check = desk.page.get_by_role("button", name="Periksa")
    check.click()
    expect(desk.page.get_by_role("status")).to_contain_text("sudah dipindahkan sejak dipilih")
    gone.write_bytes(b"PK\x03\x04")
    desk.page.set_input_files("#subject", gone)
    desk.page.evaluate(
        "() => { Blob.prototype.arrayBuffer = async () => { throw new DOMException('changed on disk'); }; }"
    )
    check.click()
    expect(desk.page.get_by_role("status")).to_have_text("hilang.zip tidak dapat dibaca: changed on disk.")
    expect(check).to_be_enabled()
    assert page_is_empty(desk)


def test_a_check_can_be_cancelled(desk: Prover, tmp_path: Path) -> None:
    page = desk.page
    large = tmp_path / "large.bin"
    with large.open("wb") as out:
        out.truncate(3_000_000_000)
    page.set_input_files("#subject", large)
    (tmp_path / "terima.txt").write_bytes(receipt_for(b"x", size=3_000_000_000))
    page.set_input_files("#receipt", tmp_path / "terima.txt")
    page.get_by_role("button", name="Periksa").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    page.get_by_role("button", name="Batalkan").click()
    expect(page.get_by_role("status")).to_have_text("Dibatalkan. Tidak ada hasil.")
    expect(page.get_by_role("progressbar")).to_be_hidden()
    assert page_is_empty(desk)


def test_the_page_may_run_its_own_script_alone(prover: Prover) -> None:
    tried = prover.page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.textContent = "window.wasRun = true";
          document.body.append(script);
          const sent = await fetch("data:,x").then(() => true, () => false);
          return { wasRun: window.wasRun === true, sent };
        }"""
    )
    assert tried == {"wasRun": False, "sent": False}
    assert all("Content Security Policy" in text for text in prover.troubles)
    prover.troubles.clear()
    prover.asked.clear()
