"""What may stand in the path of an address: anything else is a 404 before a service sees it."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import BaseConverter


class IdConverter(BaseConverter):
    """An id: 32 hex digits."""

    regex = "[0-9a-f]{32}"


class DigestConverter(BaseConverter):
    """A SHA-256: 64 hex digits."""

    regex = "[0-9a-f]{64}"


class KeyConverter(BaseConverter):
    """A key of a definition, such as a step's."""

    regex = "[a-z0-9][a-z0-9_.-]{0,63}"


class SeqConverter(BaseConverter):
    """A place in a stream; bounded, because databases refuse larger numbers with an error of their own."""

    regex = "(?:0|[1-9][0-9]{0,14})"

    def to_python(self, value: str) -> int:
        """The number."""
        return int(value)


class CheckpointConverter(SeqConverter):
    """The size of a checkpoint in twenty digits, as it is published."""

    regex = "0000[0-9]{16}"


class TileConverter(BaseConverter):
    """The path of a tile or a bundle of entries below ``tile/``, loosely: ``domain/tiles.py`` reads it."""

    regex = "(?:[0-9]{1,2}|entries)/(?:x[0-9]{3}/){0,5}[0-9]{3}(?:[.]p/[0-9]{1,3})?"


CONVERTERS: dict[str, type[BaseConverter]] = {
    "id": IdConverter,
    "digest": DigestConverter,
    "key": KeyConverter,
    "seq": SeqConverter,
    "checkpoint": CheckpointConverter,
    "tile": TileConverter,
}


def register(app: Flask) -> None:
    """Make the converters known, before the first route that uses one."""
    app.url_map.converters.update(CONVERTERS)
