"""The structure of the five formats of pictures that we take, read from the first byte to the last."""

import re
import zlib
from collections.abc import Callable, Iterator

from shared.media.inspection import Found, require_end, require_no_stranger
from shared.media.refusals import PictureRefused, Refusal

MOST_NOTES = 4 * 1024 * 1024  # bytes that a compressed note (text, colour profile) may unpack to

_JPEG_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})  # markers that state the size
_JPEG_END, _JPEG_SCAN, _JPEG_COMMENT, _JPEG_NOTES = 0xD9, 0xDA, 0xFE, 0xE0
_JPEG_BARE = frozenset({0x01, *range(0xD0, 0xD8), _JPEG_END})  # markers without a length
_JPEG_MARKER = re.compile(rb"\xff+[^\x00\xff]")
_JPEG_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_BMFF_TOP = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"styp", b"sidx", b"uuid"})
_PNG_OWN = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"fdAT"})
_PNG_KEYWORD = 79  # bytes at most


def read_jpeg(content: bytes) -> Found:
    """Walk the segments of a JPEG; behind its end only further JPEGs may follow: cameras' previews and depth maps."""
    size, end = _jpeg(content, 0)
    while content.startswith(b"\xff\xd8\xff", end):
        _, end = _jpeg(content, end)
    require_end(content[end:])
    return Found("JPEG", "image/jpeg", *size)


def _jpeg(content: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Return the size of the JPEG that begins at `at`, and where it ends."""
    size: tuple[int, int] | None = None
    end = at
    for marker, segment, end in _segments(content, at + 2):  # noqa: B007 -- the last one's end is the picture's
        if marker in _JPEG_FRAMES:
            size = int.from_bytes(segment[3:5]), int.from_bytes(segment[1:3])
        elif marker == _JPEG_COMMENT or marker >= _JPEG_NOTES:
            require_no_stranger(segment)
    if size is None:
        raise PictureRefused(Refusal.BROKEN)
    return size, end


def _segments(content: bytes, at: int) -> Iterator[tuple[int, bytes, int]]:
    """Yield marker, payload and end of each segment up to the image's end; a scan's data is passed over."""
    marker = 0
    while marker != _JPEG_END:
        found = _JPEG_MARKER.match(content, at)
        if found is None:
            raise PictureRefused(Refusal.TRUNCATED if at + 1 >= len(content) else Refusal.BROKEN)
        marker, at = content[found.end() - 1], found.end()
        if marker in _JPEG_BARE:
            yield marker, b"", at
            continue
        length = int.from_bytes(content[at : at + 2])  # counts itself
        if length < 2 or len(content) < at + length:  # noqa: PLR2004 -- see above
            raise PictureRefused(Refusal.TRUNCATED)
        segment = content[at + 2 : at + length]
        at += length
        if marker == _JPEG_SCAN:
            following = _JPEG_SCAN_END.search(content, at)
            if following is None:
                raise PictureRefused(Refusal.TRUNCATED)
            at = following.start()
        yield marker, segment, at


def read_png(content: bytes) -> Found:
    """Walk the chunks of a PNG; what its notes unpack to is bounded."""
    at, frames, size = 8, 1, (0, 0)
    while True:
        length, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        chunk = content[at + 8 : at + 8 + length]
        at += 12 + length
        if len(content) < at:
            raise PictureRefused(Refusal.TRUNCATED)
        if kind == b"IHDR":
            size = int.from_bytes(chunk[:4]), int.from_bytes(chunk[4:8])
        elif kind == b"acTL":
            frames = int.from_bytes(chunk[:4])
        elif kind == b"IEND":
            break
        elif kind not in _PNG_OWN:
            _read_note(kind, chunk)
    require_end(content[at:])
    return Found("PNG", "image/png", *size, frames)


def _read_note(kind: bytes, chunk: bytes) -> None:
    require_no_stranger(chunk)
    keyword, _, rest = chunk.partition(b"\x00")
    if kind in (b"zTXt", b"iCCP"):
        packed = rest[1:]
    elif kind == b"iTXt" and rest[:1] == b"\x01":
        packed = rest[2:].partition(b"\x00")[2].partition(b"\x00")[2]
    else:
        return
    if len(keyword) > _PNG_KEYWORD:
        raise PictureRefused(Refusal.BROKEN)
    unpacking = zlib.decompressobj()
    try:
        note = unpacking.decompress(packed, MOST_NOTES)
    except zlib.error:
        raise PictureRefused(Refusal.BROKEN) from None
    if unpacking.unconsumed_tail:
        raise PictureRefused(Refusal.UNPACKS_TO_TOO_MUCH)
    require_no_stranger(note)


def read_gif(content: bytes) -> Found:
    """Walk the blocks of a GIF; each frame has to lie within the screen."""
    if len(content) < 13:  # noqa: PLR2004 -- the header and the screen
        raise PictureRefused(Refusal.TRUNCATED)
    width, height = _little(content, 6, 2), _little(content, 8, 2)
    at = 13 + _colours(content[10])
    frames = 0
    while True:
        kind = content[at : at + 1]
        if kind == b"\x3b":
            break
        if kind == b"\x2c":
            frames += 1
            head = content[at + 1 : at + 10]
            if len(head) < 9:  # noqa: PLR2004 -- place, size and flags
                raise PictureRefused(Refusal.TRUNCATED)
            right, low = _little(head, 0, 2) + _little(head, 4, 2), _little(head, 2, 2) + _little(head, 6, 2)
            if right > width or low > height:
                raise PictureRefused(Refusal.BROKEN)
            _, at = _gif_blocks(content, at + 11 + _colours(head[8]), keep=False)
        elif kind == b"\x21":
            notes, at = _gif_blocks(content, at + 2, keep=True)
            require_no_stranger(notes)
        else:
            raise PictureRefused(Refusal.BROKEN if kind else Refusal.TRUNCATED)
    if not frames:
        raise PictureRefused(Refusal.BROKEN)
    require_end(content[at + 1 :])
    return Found("GIF", "image/gif", width, height, frames)


def _colours(flags: int) -> int:
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _gif_blocks(content: bytes, at: int, *, keep: bool) -> tuple[bytes, int]:
    """Pass over sub-blocks; return what they hold, if it is to be kept, and where they end."""
    held = []
    while True:
        if at >= len(content):
            raise PictureRefused(Refusal.TRUNCATED)
        length = content[at]
        if keep:
            held.append(content[at + 1 : at + 1 + length])
        at += 1 + length
        if not length:
            return b"".join(held), at


def read_webp(content: bytes) -> Found:
    """Walk the chunks of a WebP, whose header says where the file ends."""
    end = 8 + _little(content, 4, 4)
    if len(content) < end:
        raise PictureRefused(Refusal.TRUNCATED)
    require_end(content[end:])
    size: tuple[int, int] | None = None
    frames = 0
    for kind, chunk in _riff(content, 12, end):
        if kind == b"VP8X" and len(chunk) >= 10:  # noqa: PLR2004 -- flags, width, height
            size = 1 + _little(chunk, 4, 3), 1 + _little(chunk, 7, 3)
        elif kind == b"VP8 " and size is None and len(chunk) >= 10:  # noqa: PLR2004 -- the frame's header
            size = _little(chunk, 6, 2) & 0x3FFF, _little(chunk, 8, 2) & 0x3FFF
        elif kind == b"VP8L" and size is None and len(chunk) >= 5:  # noqa: PLR2004 -- the signature and 28 bits
            bits = _little(chunk, 1, 4)
            size = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        elif kind == b"ANMF":
            frames += 1
        elif kind not in (b"VP8 ", b"VP8L", b"ALPH"):
            require_no_stranger(chunk)
    if size is None:
        raise PictureRefused(Refusal.BROKEN)
    return Found("WEBP", "image/webp", *size, max(frames, 1))


def _riff(content: bytes, at: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while at < end:
        length = _little(content, at + 4, 4)
        if at + 8 + length > end:
            raise PictureRefused(Refusal.TRUNCATED)
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2


def read_avif(content: bytes) -> Found:
    """Walk the boxes of an AVIF; its size is the largest that any of its items has."""
    sizes: list[tuple[int, int]] = []
    frames = 1
    for kind, box in _boxes(content):
        if kind not in _BMFF_TOP:
            raise PictureRefused(Refusal.MORE_THAN_A_PICTURE)
        if kind == b"meta":
            sizes += _avif_sizes(box)
        elif kind == b"moov":
            frames = max([frames, *(int.from_bytes(box[at + 12 : at + 16]) for at in _each(box, b"stsz"))])
        if kind != b"mdat":
            require_no_stranger(box)
    if not sizes:
        raise PictureRefused(Refusal.BROKEN)
    width, height = max(sizes, key=lambda size: size[0] * size[1])
    return Found("AVIF", "image/avif", width, height, frames)


def _boxes(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(content):
        length, kind, head = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(content[at + 8 : at + 16]), 16
        elif length == 0:
            length = len(content) - at
        if length < head or at + length > len(content):
            whole = at and kind not in _BMFF_TOP  # bytes behind the last box that are none
            raise PictureRefused(Refusal.MORE_THAN_A_PICTURE if whole else Refusal.TRUNCATED)
        yield kind, content[at + head : at + length]
        at += length


def _avif_sizes(meta: bytes) -> list[tuple[int, int]]:
    """Return width and height of every `ispe` property: 4 bytes of version and flags, then the two."""
    return [
        (int.from_bytes(meta[at + 8 : at + 12]), int.from_bytes(meta[at + 12 : at + 16])) for at in _each(meta, b"ispe")
    ]


def _each(box: bytes, kind: bytes) -> Iterator[int]:
    at = box.find(kind)
    while at >= 0:
        yield at
        at = box.find(kind, at + 4)


def _little(content: bytes, at: int, length: int) -> int:
    return int.from_bytes(content[at : at + length], "little")


READERS: dict[str, Callable[[bytes], Found]] = {
    "image/avif": read_avif,
    "image/gif": read_gif,
    "image/jpeg": read_jpeg,
    "image/png": read_png,
    "image/webp": read_webp,
}
MEDIA_TYPES = tuple(sorted(READERS))
