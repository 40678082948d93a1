"""A small OpenID Connect provider on loopback HTTP, written from the specifications (Core 1.0, Discovery 1.0, RFC 7636) and no library.

It logs everybody in at once as ``subject``. What it does wrong is set by the test: ``faults`` change the ID token, its key or its answer.
"""

from __future__ import annotations

import json
import secrets
import threading
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

CLIENT, SECRET = "arsip", "rahasia klien"


def packed(data: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


class Provider:
    """A running provider."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.subject = "orang-1"
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.is_forged = self.is_down = False
        self.wanted: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                provider.asked.append(self.path)
                parts = urlsplit(self.path)
                if provider.is_down:
                    return self.answer(503, {})
                if parts.path == "/.well-known/openid-configuration":
                    return self.answer(200, provider.metadata())
                if parts.path == "/keys":
                    return self.answer(200, provider.keys())
                if parts.path == "/authorize":
                    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                    self.send_response(302)
                    self.send_header("Location", provider.authorize(query))
                    self.end_headers()
                    return None
                return self.answer(404, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                status, answer = provider.exchange(form, self.headers.get("Authorization", ""))
                self.answer(status, answer)

            def answer(self, status: int, value: dict[str, Any]) -> None:
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def metadata(self) -> dict[str, Any]:
        """Discovery."""
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }

    def keys(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517)."""
        numbers = self._key.public_key().public_numbers()
        n, e = (packed(v.to_bytes((v.bit_length() + 7) // 8, "big")) for v in (numbers.n, numbers.e))
        return {"keys": [{"kty": "RSA", "kid": "1", "use": "sig", "alg": "RS256", "n": n, "e": e}]}

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes after the log-in there: back with a code."""
        assert query["response_type"] == "code" and "openid" in query["scope"].split()
        assert query["client_id"] == CLIENT and query["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.wanted[code] = query
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"], "iss": self.issuer})

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint: a code once, with the client's secret and the verifier that its challenge was made from."""
        wanted = self.wanted.pop(form.get("code", ""), None)
        client = b64decode(authorization.removeprefix("Basic ")).decode()
        if wanted is None or client != f"{CLIENT}:{SECRET}" or form["redirect_uri"] != wanted["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if packed(sha256(form["code_verifier"].encode()).digest()) != wanted["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        now = int(self.now())
        claims = {"iss": self.issuer, "sub": self.subject, "aud": CLIENT, "iat": now, "exp": now + 300}
        claims |= {"nonce": wanted["nonce"], **self.claims}
        token = self.sign(
            {"alg": "RS256", "kid": "1", **self.header}, {k: v for k, v in claims.items() if v is not None}
        )
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def sign(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A signed ID token (RFC 7515)."""
        message = ".".join(packed(json.dumps(part).encode()) for part in (header, claims))
        if header["alg"] == "none":
            return message + "."
        key = self._other if self.is_forged else self._key
        return message + "." + packed(key.sign(message.encode(), padding.PKCS1v15(), SHA256()))
