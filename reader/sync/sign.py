"""Ed25519 keys of machines and collectors, as text; and signatures over JSON values.

A key's text is the base64 of its 32 raw bytes. What is signed is the canonical JSON (`reader.store.facts.canonical`) of a
value, so that any language can check it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any

from reader.store import facts
from reader.sync.errors import SyncError, WireError

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
except ModuleNotFoundError as error:
    raise SyncError("sync needs two more libraries; install them: pip install 'logicienne[sync]'") from error


class Key:
    """A private key. `public`: its public half, as text."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = _text(private.public_key().public_bytes_raw())

    @classmethod
    def new(cls) -> Key:
        """A random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_text(cls, text: str) -> Key:
        """The key that `text` was made from. Raises `WireError`."""
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(_bytes(text)))
        except ValueError as error:
            raise WireError("this is no Ed25519 key") from error

    @property
    def text(self) -> str:
        """The private key, to be kept where only its owner reads."""
        return _text(self._private.private_bytes_raw())

    def sign(self, value: Mapping[str, Any]) -> str:
        """The signature over the canonical JSON of `value`, as base64."""
        return _text(self._private.sign(facts.canonical(value).encode()))


def verified(public: str, value: Mapping[str, Any], signature: str) -> bool:
    """Whether `signature` is that of the owner of `public` over `value`; a key or signature that is none: no."""
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(public))
        key.verify(_bytes(signature), facts.canonical(value).encode())
    except (ValueError, InvalidSignature):
        return False
    return True


def is_public_key(text: object) -> bool:
    """Whether this is the text of a public key."""
    try:
        Ed25519PublicKey.from_public_bytes(_bytes(str(text)))
    except ValueError:
        return False
    return True


def fingerprint(public: str) -> str:
    """Twelve hex digits that stand for a public key where people compare two."""
    return hashlib.sha256(public.encode()).hexdigest()[:12]


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
