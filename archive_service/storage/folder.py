import zlib
from datetime import UTC, datetime
from hashlib import sha256

from archive_service.errors import *
from archive_service.storage.base import *


class Up:
    def __init__(s, store, key, limit):
        s.st = store
        s.k = key
        s.l = limit
        s.h = sha256()
        s.c = 0
        s.n = 0
        s.b = []
        s.done = False

    def __enter__(s):
        return s

    def __exit__(s, *a):
        pass

    def append(s, d):
        s.n += len(d)
        if s.n > s.l:
            raise TooLarge("file_too_large", "x", limit_bytes=s.l)
        s.h.update(d)
        s.c = zlib.crc32(d, s.c)
        s.b.append(d)

    def finish(s):
        p = s.st.root / s.k
        if p.exists():
            raise Conflict("object_exists", "x")
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_bytes(b"".join(s.b))
        return ReceivedObject(s.k, "1", s.n, s.h.hexdigest(), s.c)


class FolderStore:
    name = "folder"

    def __init__(s, root, clock):
        s.root = root
        s.clock = clock

    def begin(s, key, *, limit_bytes):
        return Up(s, key, limit_bytes)

    def read(s, key, v, *, chunk_bytes=1 << 20):
        try:
            yield (s.root / key).read_bytes()
        except FileNotFoundError as e:
            raise NotFound("object_unknown", "x") from e

    def read_range(s, key, v, o, n):
        return (s.root / key).read_bytes()[o : o + n]

    def delete(s, key, v):
        (s.root / key).unlink(missing_ok=True)

    def lock(s, key, v, until):
        pass

    def list_objects(s, prefix):
        for p in sorted(s.root.rglob("*")):
            if p.is_file():
                k = str(p.relative_to(s.root))
                if k.startswith(prefix):
                    yield StoredObject(k, "1", p.stat().st_size, datetime.fromtimestamp(p.stat().st_mtime, UTC))
