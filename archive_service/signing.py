"""Ed25519 keys of the service: made once, kept in files that only their owner reads, used for notes (C2SP signed-note)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import note
from archive_service.errors import InvalidInput, LogIntegrityError, Unavailable


@dataclass(frozen=True)
class SigningKey:
    """A named verifier key, with its private key in the processes that sign with it."""

    private_key: Ed25519PrivateKey | None
    verifier_key: note.VerifierKey

    @property
    def vkey(self) -> str:
        """The verifier key as text, for publishing."""
        return note.format_vkey(self.verifier_key)

    def sign(self, text: str) -> bytes:
        """The signed note over ``text``; Unavailable ``key_absent`` in a process that was not given the private key."""
        return note.format_note(text, (self.make_signature(text),))

    def make_signature(self, text: str) -> note.NoteSignature:
        """The signature over a note's text; Unavailable ``key_absent`` in a process that was not given the private key."""
        key = self.verifier_key
        if self.private_key is None:
            raise Unavailable("key_absent", f"This process was not given the private key of {key.name}.")
        return note.NoteSignature(key.name, key.key_id, self.private_key.sign(text.encode()))


def named(private_key: Ed25519PrivateKey, name: str) -> SigningKey:
    """The key under its name in signatures."""
    public = private_key.public_key().public_bytes_raw()
    return SigningKey(private_key, note.make_vkey(name, public))


def published(vkey: str, path: Path | None) -> SigningKey:
    """The key with this verifier key; its private key is read from ``path`` where one is given.

    InvalidInput ``bad_vkey`` for a text that is no verifier key, ``wrong_key`` when the file holds another key.
    """
    try:
        key = note.parse_vkey(vkey)
    except note.NoteError as exc:
        raise InvalidInput("bad_vkey", f"{vkey!r} is not usable: {exc}.") from exc
    if path is None:
        return SigningKey(None, key)
    try:
        private_key = load(path)
    except OSError as exc:
        raise InvalidInput("key_unreadable", f"Cannot read the key file {path}: {exc.strerror}.") from exc
    if private_key.public_key().public_bytes_raw() != key.public_key:
        raise InvalidInput("wrong_key", f"{path} does not hold the private key of {key.name}; give the right file.")
    return SigningKey(private_key, key)


def load(path: Path) -> Ed25519PrivateKey:
    """The private key in this PEM file; LogIntegrityError when it holds another kind of key."""
    try:
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as exc:
        raise LogIntegrityError("wrong_key_type", f"{path.name} holds no key; put the right key back.") from exc
    if not isinstance(loaded, Ed25519PrivateKey):
        raise LogIntegrityError("wrong_key_type", f"{path.name} holds no Ed25519 key; put the right key back.")
    return loaded


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """The private key in this PEM file, made (mode 0600, never over another file) when there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return load(path)
    private_key = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "wb") as file:
        file.write(
            private_key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        file.flush()
        os.fsync(file.fileno())
    return private_key
