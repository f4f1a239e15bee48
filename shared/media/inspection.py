"""Looking at a file before anything decodes it: which picture it is, and whether it is that alone.

Reads structure in plain Python: the parts that a format is made of must follow each other from the first byte to the
last. So a file that is a picture and something else besides (an archive, a page, a script, appended or hidden in a
comment) is told from a picture; so is one that breaks off, or whose header promises more pixels than we would decode.
Nothing here unpacks more than a bounded part of anything.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from shared.media.refusals import PictureRefused, Refusal

MOST_PIXELS = 64_000_000  # of one frame: the sensors of today's telephones, and 200 MB in memory
LONGEST_SIDE = 20_000  # pixels
SHORTEST_SIDE = 16  # pixels: below are traces and spacers, no pictures of goods
MOST_FRAMES = 300  # of an animation, of which we show the first
_LOOKED_INTO = 4096  # bytes in which an SVG says that it is one

_TAKEN = (
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    # Another brand may come first, and AVIF be among those that it is compatible with.
    (re.compile(rb"\x00\x00\x00.ftyp(.{4}){0,12}avi[fs]", re.DOTALL), "image/avif"),
)
# Pictures of kinds that we do not take: SVG because it is a page with scripts, the others because browsers show none.
_NOT_TAKEN = re.compile(
    rb"II[*+]\x00|MM\x00[*+]|BM.{4}\x00\x00\x00\x00|....ftyp(?:hei|hev|mif1|msf1)|\xff\x0a|\x00\x00\x00\x0cJXL "
    rb"|\x00\x00\x01\x00|8BPS|%!PS|%PDF-",
    re.DOTALL,
)
_SVG = re.compile(rb"<svg[\s>]", re.IGNORECASE)
# What browsers, interpreters and archivers would take for theirs, wherever in a picture's notes it stands.
_FOREIGN = re.compile(rb"(?i:<\?php|<script|<!doctype\s+html|<html|<iframe)|%PDF-|PK\x03\x04|PK\x05\x06|Rar!\x1a\x07")


@dataclass(frozen=True)
class Found:
    """What a file says of itself, once its structure was found whole."""

    format: str  # JPEG, PNG, GIF, WEBP, AVIF: as Pillow calls it
    media_type: str
    width: int
    height: int
    frames: int = 1


def inspect(content: bytes, read: dict[str, Callable[[bytes], Found]]) -> Found:
    """Return what picture a file is; `read` has a reader for each media type.

    Raises:
        PictureRefused: it is none that we take; the reason says why.
    """
    media_type = sniff(content)
    if media_type is None:
        known = _NOT_TAKEN.match(content) or _SVG.search(content, 0, _LOOKED_INTO)
        raise PictureRefused(Refusal.UNSUPPORTED_TYPE if known else Refusal.NOT_A_PICTURE)
    found = read[media_type](content)
    if min(found.width, found.height) < SHORTEST_SIDE:
        raise PictureRefused(Refusal.TOO_SMALL)
    if found.width * found.height > MOST_PIXELS or max(found.width, found.height) > LONGEST_SIDE:
        raise PictureRefused(Refusal.TOO_MANY_PIXELS)
    if found.frames > MOST_FRAMES:
        raise PictureRefused(Refusal.TOO_MANY_FRAMES)
    return found


def sniff(content: bytes) -> str | None:
    """Return the media type that a file's first bytes tell; None where they tell none that we take."""
    return next((media_type for pattern, media_type in _TAKEN if pattern.match(content)), None)


def require_no_stranger(notes: bytes) -> None:
    """Refuse notes (comments, metadata, what stands between parts) in which another format begins.

    Raises:
        PictureRefused: it holds something that is no note.
    """
    if _FOREIGN.search(notes):
        raise PictureRefused(Refusal.MORE_THAN_A_PICTURE)


def require_end(rest: bytes) -> None:
    """Refuse what follows a picture's end, but for a little padding.

    Raises:
        PictureRefused: there is more than padding.
    """
    if rest.strip(b"\x00 \r\n\t\xff"):
        raise PictureRefused(Refusal.MORE_THAN_A_PICTURE)
