"""PRONOM ids of the formats that can be kept, and the media type of each.

Source: PRONOM (The National Archives, UK), DROID signature file V118 and the registry's records of April 2026;
the media types are PRONOM's, but for fmt/1828, which PRONOM gives the media type of a text document by mistake.
"""

from __future__ import annotations

PDF = "application/pdf"
JPEG = "image/jpeg"
PNG = "image/png"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_IDS = {
    PDF: (
        "fmt/14 fmt/15 fmt/16 fmt/17 fmt/18 fmt/19 fmt/20 fmt/276 fmt/1129 "  # PDF 1.0 to 2.0
        "fmt/95 fmt/354 fmt/476 fmt/477 fmt/478 fmt/479 fmt/480 fmt/481 fmt/1910 fmt/1911 fmt/1912 "  # PDF/A
        "fmt/144 fmt/145 fmt/146 fmt/147 fmt/148 fmt/157 fmt/158 fmt/488 fmt/489 fmt/490 fmt/491 fmt/492 "  # PDF/X
        "fmt/493 fmt/2050 fmt/2052"  # PDF/E, PDF/UA
    ),
    JPEG: "fmt/41 fmt/42 fmt/43 fmt/44 fmt/112 fmt/645 fmt/1507 x-fmt/390 x-fmt/391 x-fmt/398",
    PNG: "fmt/11 fmt/12 fmt/13",
    DOCX: "fmt/412 fmt/1827",
    XLSX: "fmt/214 fmt/1828",
}
MEDIA_TYPES = {puid: media_type for media_type, puids in _IDS.items() for puid in puids.split()}
"""Media type by PRONOM id; what is not here cannot be kept."""
