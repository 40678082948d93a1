"""Ed25519 keys of the service: made once, kept in files that only their owner reads, used for notes (C2SP signed-note)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive_service.domain import note
from archive_service.errors import LogIntegrityError


@dataclass(frozen=True)
class SigningKey:
    """A named private key and its verifier key."""

    private_key: Ed25519PrivateKey
    verifier_key: note.VerifierKey

    @property
    def vkey(self) -> str:
        """The verifier key as text, for publishing."""
        return note.format_vkey(self.verifier_key)

    def sign(self, text: str) -> bytes:
        """The signed note over ``text``."""
        key = self.verifier_key
        signature = note.NoteSignature(key.name, key.key_id, self.private_key.sign(text.encode()))
        return note.format_note(text, (signature,))


def named(private_key: Ed25519PrivateKey, name: str) -> SigningKey:
    """The key under its name in signatures."""
    public = private_key.public_key().public_bytes_raw()
    return SigningKey(private_key, note.make_vkey(name, public))


def load_or_create(path: Path) -> Ed25519PrivateKey:
    """The private key in this PEM file, made (mode 0600, never over another file) when there is none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        loaded = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(loaded, Ed25519PrivateKey):
            raise LogIntegrityError(
                "wrong_key_type", f"{path.name} holds no Ed25519 key; put the right key back."
            ) from None
        return loaded
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
