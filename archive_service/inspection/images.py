"""Whether a JPEG or PNG is whole: read to its last byte, with memory that does not grow with the picture."""

from __future__ import annotations

import re
import struct
import zlib
from typing import BinaryIO

from PIL import Image

from archive_service.errors import DocumentRefused

PIXEL_LIMIT = 200_000_000
# A progressive JPEG is held in memory whole while it is decoded: 350 MiB for 120 megapixels, baseline 10 MiB.
PROGRESSIVE_PIXEL_LIMIT = 40_000_000
SCAN_LIMIT = 100
HEADER_LIMIT_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 256 * 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")

# Pillow's own guard, at our bound: it warns above it and raises above twice as much, before anything is decoded.
Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT


class _Broken(ValueError):
    pass


def require_sound_image(source: BinaryIO, kind: str) -> None:
    """Refuse an image that is damaged (``image_broken``) or larger than 200 megapixels (``image_too_large``)."""
    too_large = DocumentRefused("image_too_large", "The image has more than 200 megapixels; scan it at 300 dpi.")
    try:
        source.seek(0)
        if kind == "PNG":
            _require_whole_png(source, too_large)
            is_decoded = False
        else:
            is_decoded = _walk_jpeg(source, too_large)
        source.seek(0)
        with Image.open(source, formats=[kind]) as image:
            if image.width * image.height > PIXEL_LIMIT:
                raise too_large
            if is_decoded:
                # at an eighth of its size: the whole stream is read, little of it is in memory
                image.draft("L", (max(1, image.width // 8), max(1, image.height // 8)))
                image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise too_large from exc
    except DocumentRefused:
        raise
    except Exception as exc:
        # hostile input: whatever the decoder stumbles over, the image is not sound
        raise DocumentRefused("image_broken", "The image is damaged or cut off; scan or save it again.") from exc


def _read(source: BinaryIO, length: int) -> bytes:
    data = source.read(length)
    if len(data) < length:
        raise _Broken("cut off")
    return data


def _walk_jpeg(source: BinaryIO, too_large: DocumentRefused) -> bool:
    """Walk the segments up to the end of the image (ITU-T T.81, B.1 and B.2); whether it is small enough to decode."""
    if _read(source, 2) != b"\xff\xd8":
        raise _Broken("no start of image")
    frame: tuple[bool, int] | None = None
    scans = 0
    while True:
        if _read(source, 1) != b"\xff":
            raise _Broken("no marker")
        while (marker := _read(source, 1)) == b"\xff":
            pass
        code = marker[0]
        if code == 0xD9:
            break
        if code == 0x01 or 0xD0 <= code <= 0xD7:
            continue
        body = _read(source, max(0, struct.unpack(">H", _read(source, 2))[0] - 2))
        if scans == 0 and source.tell() > HEADER_LIMIT_BYTES:
            raise _Broken("too much before the picture")
        if 0xC0 <= code <= 0xCF and code not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", body, 1)
            if height * width > PIXEL_LIMIT:
                raise too_large
            frame = (code in (0xC2, 0xC6, 0xCA, 0xCE), height * width)
        if code == 0xDA:
            scans += 1
            if frame is None or scans > SCAN_LIMIT:
                raise _Broken("a scan without a frame, or too many")
            _skip_scan(source)
    if frame is None or scans == 0:
        raise _Broken("no picture")
    is_progressive, pixels = frame
    return not is_progressive or pixels <= PROGRESSIVE_PIXEL_LIMIT


def _skip_scan(source: BinaryIO) -> None:
    """Leave the source at the marker that ends the entropy-coded data."""
    while True:
        start = source.tell()
        data = source.read(_CHUNK_BYTES)
        if len(data) < 2:
            raise _Broken("cut off")
        found = _END_OF_SCAN.search(data)
        if found:
            source.seek(start + found.start())
            return
        if data.endswith(b"\xff"):
            source.seek(-1, 1)


def _require_whole_png(source: BinaryIO, too_large: DocumentRefused) -> None:
    """Every chunk with its CRC up to IEND and nothing after it, and exactly the pixel data that the header announces.

    ISO/IEC 15948, 5 (chunks), 8 (interlacing) and 9 (filtering).
    """
    if _read(source, 8) != _SIGNATURE:
        raise _Broken("no PNG")
    inflate = zlib.decompressobj()
    expected = -1
    unpacked = 0
    while True:
        length, kind = struct.unpack(">I4s", _read(source, 8))
        crc = zlib.crc32(kind)
        if (kind == b"IHDR") != (expected < 0) or (kind != b"IDAT" and length > HEADER_LIMIT_BYTES):
            raise _Broken("chunks out of order or too long")
        rest, body = length, b""
        while rest:
            body = _read(source, min(rest, _CHUNK_BYTES if kind == b"IDAT" else rest))
            crc = zlib.crc32(body, crc)
            rest -= len(body)
            while kind == b"IDAT" and body:
                unpacked += len(inflate.decompress(body, _CHUNK_BYTES))
                body = inflate.unconsumed_tail
                if unpacked > expected:
                    raise _Broken("more pixels than announced")
        if struct.pack(">I", crc) != _read(source, 4):
            raise _Broken("wrong CRC")
        if kind == b"IHDR":
            expected = _raw_size(body, too_large)
        if kind == b"IEND":
            break
    while tail := inflate.decompress(inflate.unconsumed_tail, _CHUNK_BYTES):
        unpacked += len(tail)
    if unpacked != expected or not inflate.eof or source.read(1):
        raise _Broken("fewer pixels than announced, or bytes after the end")


def _raw_size(header: bytes, too_large: DocumentRefused) -> int:
    width, height, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    if width * height > PIXEL_LIMIT:
        raise too_large
    bits = depth * _CHANNELS[colour]
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    size = 0
    for x, y, step_x, step_y in passes:
        columns, rows = -(-(width - x) // step_x), -(-(height - y) // step_y)
        if columns > 0 and rows > 0:
            size += rows * (1 + -(-columns * bits // 8))
    return size
