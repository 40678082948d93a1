"""Stored bytes as a download: whole, one range (RFC 9110 section 14), or nothing when the caller has them."""

from __future__ import annotations

from urllib.parse import quote

from flask import Response, request
from werkzeug.http import parse_range_header

from archive_service.api.digests import repr_digest
from archive_service.errors import RangeUnreachable
from archive_service.services.reading import Content


def send_content(content: Content) -> Response:
    """The bytes as an attachment: 200, 206 for one range, 304 when ``If-None-Match`` names them.

    Several ranges at once are answered with the whole, as RFC 9110 allows. RangeUnreachable (416) for a range behind the end.
    """
    response = Response(mimetype=content.media_type)
    response.set_etag(content.digest)
    response.headers["Repr-Digest"] = repr_digest(content.digest)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(content.file_name)}"
    if request.if_none_match.contains_weak(content.digest):
        response.status_code = 304
        return response
    span = _span(content)
    if span is None:
        response.response = content.chunks
        response.headers["Content-Length"] = str(content.size)
        return response
    start, end = span
    response.status_code = 206
    response.response = content.read_range(start, end - start)
    response.headers["Content-Length"] = str(end - start)
    response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    return response


def _span(content: Content) -> tuple[int, int] | None:
    """First byte and the one after the last; None for the whole: no range, none that can be read, several, or of other bytes."""
    if request.method != "GET" or not request.headers.get("Range"):
        return None
    if request.headers.get("If-Range") and request.if_range.etag != content.digest:
        return None
    wanted = parse_range_header(request.headers["Range"])
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    span = wanted.range_for_length(content.size)
    if span is None:
        raise RangeUnreachable("range_unreachable", "The file ends before this range begins.", size=content.size)
    return span
