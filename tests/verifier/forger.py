"""A forger with all that an issuer has: takes a bundle apart, changes it, and makes what follows consistent again."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from archive_service.bundling.plan import BundledDocument, Evidence, make_plan
from archive_service.bundling.writer import write_bundle
from archive_service.domain import canonical, completeness, manifest, merkle, statement
from archive_service.domain.calendar_definition import parse_calendar
from archive_service.domain.checkpoint import Checkpoint, format_checkpoint
from archive_service.domain.deviation import IllegalEvent
from archive_service.domain.dossier import Dossier
from archive_service.domain.event import FIRST_PREV, parse_event
from archive_service.domain.manifest import ZipEntry
from archive_service.domain.sop import parse_sop
from archive_service.signing import SigningKey
from archive_service.verifier.container import open_container
from archive_service.verifier.verify import Report, check_bundle
from tests.verifier import one_file

Files = dict[str, bytes]


def unpack(bundle: bytes) -> tuple[str, Files]:
    """The bundle's folder and its files by path."""
    container = open_container(io.BytesIO(bundle), len(bundle))
    return container.folder, {path: container.read(path) for path in container.order}


def pack(folder: str, files: Mapping[str, bytes], *, remake_bag: bool = True) -> bytes:
    """The files as a container without slack, with manifests that fit them."""
    whole = dict(files)
    payload = sorted(path for path in whole if path.startswith("data/"))
    if remake_bag:
        whole[manifest.MANIFEST] = manifest.manifest_text(
            (path, sha256(whole[path]).hexdigest()) for path in payload
        ).encode()
        tags = [manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST]
        lines = [
            line
            for line in whole[manifest.BAG_INFO].decode().splitlines(keepends=True)
            if not line.startswith("Payload-Oxum")
        ]
        lines.append(f"Payload-Oxum: {sum(len(whole[p]) for p in payload)}.{len(payload)}\n")
        whole[manifest.BAG_INFO] = "".join(sorted(lines)).encode()
        whole[manifest.TAG_MANIFEST] = manifest.manifest_text(
            (path, sha256(whole[path]).hexdigest()) for path in tags
        ).encode()
    order = [manifest.BAGIT, manifest.BAG_INFO, manifest.MANIFEST, manifest.TAG_MANIFEST]
    order = [path for path in order if path in whole]
    order += sorted(path for path in whole if path not in order)
    return zip_up([(f"{folder}/{path}", whole[path]) for path in order])


def zip_up(members: list[tuple[str, bytes]]) -> bytes:
    """A container of these members in this order."""
    out, central = bytearray(), bytearray()
    for name, data in members:
        entry = ZipEntry(name, len(data), zlib.crc32(data), len(out))
        out += manifest.local_header(entry) + data
        central += manifest.central_header(entry)
    end = manifest.end_records(len(members), len(central), len(out))
    return bytes(out + central + end)


def check(bundle: bytes, key: SigningKey | None) -> Report:
    """The verifier's report, which the one-file verifier confirms."""
    report = check_bundle(io.BytesIO(bundle), len(bundle), None if key is None else key.verifier_key)
    one_file.require_same(bundle, None if key is None else key.vkey, report)
    return report


@dataclass
class Forger:
    """A bundle as plain data, and the log's real key."""

    folder: str
    files: Files
    key: SigningKey
    receipt_vkey: str
    events: list[dict[str, Any]] = field(default_factory=list)
    persons: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    registrations: list[dict[str, Any]] = field(default_factory=list)
    definitions: dict[str, bytes] = field(default_factory=dict)
    openings: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    restates: bool = True
    rejudges: bool = True
    old_hashes: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, bundle: bytes, key: SigningKey) -> Forger:
        """The forger over this bundle."""
        folder, files = unpack(bundle)
        made = cls(folder, files, key, files[manifest.KEYS].decode().splitlines()[1])
        made.events = [json.loads(line) for line in files[manifest.EVENTS].splitlines()]
        made.registrations = [json.loads(line) for line in files[manifest.REGISTRATIONS].splitlines()]
        for path, data in files.items():
            if path.startswith(manifest.PERSONS_FOLDER):
                person = path[len(manifest.PERSONS_FOLDER) : -len(".jsonl")]
                made.persons[person] = [json.loads(line) for line in data.splitlines()]
            elif path.startswith(manifest.DEFINITIONS_FOLDER):
                made.definitions[path[len(manifest.DEFINITIONS_FOLDER) : -len(".json")]] = data
        for item in json.loads(files[manifest.OPENINGS]):
            made.openings[(item["event"], item["field"])] = (item["value"], bytes.fromhex(item["salt"]))
        for event in made.everything():
            made.old_hashes[id(event)] = hash_of(event)
        return made

    def everything(self) -> list[dict[str, Any]]:
        """All events."""
        return [*self.registrations, *(e for chain in self.persons.values() for e in chain), *self.events]

    def first(self, type: str, **payload: Any) -> dict[str, Any]:
        """The first dossier event of a type whose payload holds these values."""
        return next(
            e for e in self.events if e["type"] == type and all(e["payload"][k] == v for k, v in payload.items())
        )

    def remake(self) -> bytes:
        """The bundle with all downstream made consistent: chains, references, seal, statement, tree, signature, bag."""
        renamed: dict[str, str] = {}
        for chain in self.persons.values():
            self._chain(chain, renamed)
        for event in self.events:
            for name in ("assignment", "head"):
                if name in event["actor"]:
                    event["actor"][name] = renamed.get(event["actor"][name], event["actor"][name])
        self._chain(self.events, renamed)
        if self.restates:
            self._restate()
        for event in self.everything():
            renamed[self.old_hashes.get(id(event), "")] = hash_of(event)
        openings = {(renamed.get(old, old), name): value for (old, name), value in self.openings.items()}
        ordered = self.everything()
        leaves = [bytes.fromhex(hash_of(e)) for e in ordered]
        node = node_reader(leaves)
        checkpoint = Checkpoint(self.events[0]["origin"], len(leaves), merkle.root_hash(leaves))
        documents = [
            BundledDocument(p["version"], p["digest"], int(p["crc32"], 16), p["size"], p["media_type"])
            for p in (e["payload"] for e in self.events if e["type"] == "document.received")
        ]
        evidence = Evidence(
            origin=self.events[0]["origin"],
            dossier=self.events[0]["payload"]["dossier"],
            events=[canonical.encode(e) for e in self.events],
            persons={p: [canonical.encode(e) for e in chain] for p, chain in self.persons.items()},
            registrations=[canonical.encode(e) for e in self.registrations],
            definitions=self.definitions,
            statement=self.files[manifest.STATEMENT],
            openings=openings,
            positions={h.hex(): i for i, h in enumerate(leaves)},
            proofs={h.hex(): merkle.inclusion_proof(i, len(leaves), node) for i, h in enumerate(leaves)},
            checkpoint=self.key.sign(format_checkpoint(checkpoint)),
            checkpoint_size=len(leaves),
            vkeys=[self.key.vkey, self.receipt_vkey],
            documents=documents,
        )
        by_digest = {sha256(data).hexdigest(): data for data in self.files.values()}
        return b"".join(write_bundle(make_plan(evidence), lambda digest: iter([by_digest[digest]])))

    def _chain(self, chain: list[dict[str, Any]], renamed: dict[str, str]) -> None:
        prev = FIRST_PREV
        for seq, event in enumerate(chain):
            event["seq"], event["prev"] = seq, prev
            payload = event["payload"]
            if event["type"] == "deviation.recorded":
                payload["evidence"] = [renamed.get(h, h) for h in payload["evidence"]]
            if event["type"] == "step.judged" and self.rejudges:
                self._rejudge(chain[:seq], payload)
            if event["type"] == "dossier.sealed" and self.restates:
                payload["count"], payload["head"] = seq + 1, prev
            prev = hash_of(event)
            renamed[self.old_hashes.get(id(event), "")] = prev

    def _told(self, events: list[dict[str, Any]]) -> Dossier | None:
        dossier = Dossier(parse_sop(canonical.decode(self.definitions[self.events[0]["payload"]["sop"]])))
        try:
            for event in events:
                dossier.apply(parse_event(canonical.encode(event)))
        except IllegalEvent:
            return None
        return dossier

    def _rejudge(self, before: list[dict[str, Any]], payload: dict[str, Any]) -> None:
        told = self._told(before)
        if told is None:
            return
        run = next(r for r in told.runs if (r.step, r.iteration) == (payload["step"], payload["iteration"]))
        digest = completeness.judge(run.requirements, payload["completeness"]["damaged"])
        payload["completeness"]["requirements_digest"] = digest["requirements_digest"]

    def _restate(self) -> None:
        told = self._told(self.events[:-1])
        last = self.events[-1]
        if told is None or last["type"] != "dossier.sealed":
            return
        opened = self.events[0]["payload"]
        pinned = [("sop", opened["sop"]), ("calendar", opened["calendar"])]
        definitions = [
            {"kind": kind, **{k: canonical.decode(self.definitions[d])[k] for k in ("key", "version")}, "digest": d}
            for kind, d in pinned
        ]
        calendars = {opened["calendar"]: parse_calendar(canonical.decode(self.definitions[opened["calendar"]]))}
        closing = statement.Closing(last["payload"]["step"], last["at"], last["actor"].get("person", ""))
        data = canonical.encode(statement.build_statement(told, calendars, definitions, closing, last["origin"]))
        self.files[manifest.STATEMENT] = data
        last["payload"]["statement_digest"] = sha256(data).hexdigest()
        last["payload"]["statement_size"] = len(data)


def hash_of(event: dict[str, Any]) -> str:
    """The leaf hash of an event."""
    return merkle.leaf_hash(canonical.encode(event)).hex()


def node_reader(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    """A reader of tree nodes over leaf hashes."""
    return lambda level, index: merkle.root_hash(leaves[index << level : (index + 1) << level])
