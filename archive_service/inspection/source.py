"""The received file as the checks read it: in ranges, and with the store's own failures remembered."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

BUFFER_BYTES = 256 * 1024


class WatchedSource(io.RawIOBase):
    """A seekable view of the first ``size`` bytes; ``failure`` is what the source raised, if it did.

    qpdf and image decoders swallow an error of the file that they read and call the document damaged. A store that does
    not answer must not become a refused document, so what it raised is kept here and raised again at the end.
    """

    def __init__(self, source: BinaryIO, size: int) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self._source = source
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """The new position; ValueError before the beginning."""
        position = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence] + offset
        if position < 0:
            raise ValueError("a position cannot be negative")
        self._position = position
        return position

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """How many bytes were read into the buffer: 0 at the end."""
        view = memoryview(buffer).cast("B")
        length = min(len(view), self._size - self._position)
        if length <= 0:
            return 0
        try:
            self._source.seek(self._position)
            data = self._source.read(length)
        except Exception as exc:
            self.failure = self.failure or exc
            raise
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
