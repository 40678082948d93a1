"""A passkey in software: makes what a browser and its authenticator would send (W3C Web Authentication), with ES256 or Ed25519."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
AAGUID = bytes.fromhex("ea9b8d664d011d213ce4b6b48cb575d4")


def packed(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def make_key(algorithm: str, seed: int) -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
    """A private key that follows from the seed."""
    if algorithm == "EdDSA":
        return Ed25519PrivateKey.from_private_bytes(sha256(b"%d" % seed).digest())
    return ec.derive_private_key(int.from_bytes(sha256(b"%d" % seed).digest(), "big") >> 1, ec.SECP256R1())


@dataclass
class SoftAuthenticator:
    """One passkey of one person on one site."""

    algorithm: str = "ES256"
    seed: int = 1
    origin: str = "http://localhost:8601"
    rp_id: str = "localhost"
    flags: int = PRESENT | VERIFIED
    cross_origin: bool = False
    more_client_data: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = make_key(self.algorithm, self.seed)
        self.credential_id = sha256(b"credential %d" % self.seed).digest()

    @property
    def public_key(self) -> bytes:
        """04 ‖ x ‖ y, or Ed25519's 32 bytes."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def sign(self, message: bytes) -> bytes:
        """The signature in the form that authenticators give."""
        if isinstance(self.key, Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(SHA256()))

    def client_data(self, type: str, challenge: str) -> str:
        """The clientDataJSON for this challenge (base64url)."""
        members = {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": self.cross_origin}
        return json.dumps({**members, **self.more_client_data}, separators=(",", ":"))

    def authenticator_data(self, *, flags: int | None = None, rest: bytes = b"") -> bytes:
        """The authenticator data, with the sign counter at 0 as of a passkey that is kept in step between devices."""
        return sha256(self.rp_id.encode()).digest() + bytes([self.flags if flags is None else flags]) + bytes(4) + rest

    def register(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.create`` gives for these options, as JSON; without attestation."""
        key = self.public_key
        parts = {-1: 6, -2: key} if self.algorithm == "EdDSA" else {-1: 1, -2: key[1:33], -3: key[33:]}
        cose = encode_cbor({1: 1, 3: -8, **parts} if self.algorithm == "EdDSA" else {1: 2, 3: -7, **parts})
        rest = AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose
        data = self.authenticator_data(flags=self.flags | ATTESTED, rest=rest)
        return {
            **self._named(),
            "response": {
                "clientDataJSON": packed(self.client_data("webauthn.create", options["challenge"]).encode()),
                "attestationObject": packed(encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})),
                "transports": ["internal"],
            },
        }

    def assert_(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """What ``navigator.credentials.get`` gives for these options, as JSON."""
        client = self.client_data("webauthn.get", options["challenge"]).encode()
        data = self.authenticator_data()
        response = {
            "clientDataJSON": packed(client),
            "authenticatorData": packed(data),
            "signature": packed(self.sign(data + sha256(client).digest())),
            "userHandle": None,
        }
        return {**self._named(), "response": response}

    def assertion(self, challenge: bytes, passkey: str) -> dict[str, Any]:
        """The assertion over a challenge as a decision records it."""
        client, data = self.client_data("webauthn.get", packed(challenge)), self.authenticator_data()
        return {
            "passkey": passkey,
            "authenticator_data": data.hex(),
            "client_data": client,
            "signature": self.sign(data + sha256(client.encode()).digest()).hex(),
        }

    def registration(self) -> dict[str, Any]:
        """The payload of the event that registers it."""
        return {
            "credential": sha256(self.credential_id).hexdigest(),
            "algorithm": self.algorithm,
            "public_key": self.public_key.hex(),
            "aaguid": AAGUID.hex(),
            "rp_id": self.rp_id,
        }

    def _named(self) -> dict[str, Any]:
        own = packed(self.credential_id)
        return {"id": own, "rawId": own, "type": "public-key", "clientExtensionResults": {}}
