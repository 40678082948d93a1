import io
from typing import Any, NamedTuple, Protocol


class StoredObject(NamedTuple):
    key: str
    version_id: str
    size: int
    modified_at: Any
    locked_until: Any = None


class ReceivedObject(NamedTuple):
    key: str
    version_id: str
    size: int
    digest_hex: str
    crc32: int


class ObjectStore(Protocol):
    name: str


class RangedReader(io.RawIOBase):
    def __init__(self, store, key, v, size):
        self.s = store
        self.k = key
        self.v = v
        self.size = size
        self.p = 0

    def readable(self):
        return True

    def seekable(self):
        return True

    def seek(self, o, w=0):
        self.p = o if w == 0 else self.p + o if w == 1 else self.size + o
        return self.p

    def tell(self):
        return self.p

    def readinto(self, b):
        d = self.s.read_range(self.k, self.v, self.p, len(b))
        b[: len(d)] = d
        self.p += len(d)
        return len(d)
