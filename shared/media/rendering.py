"""Decodes one picture and encodes its renditions, in a process of its own: `python -m shared.media.rendering FOLDER`.

The folder holds the file `original`; renditions are written beside it, and what was made is told as JSON on standard
output. The process has no credentials, and limits on memory, time and the size of files that the kernel enforces: a
decoder that crashes, hangs or swells takes nothing with it but this one picture.

The only module that imports Pillow, which lies in a layer of its own; nothing else imports this one.
"""

import hashlib
import io
import json
import resource
import struct
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms

from shared.media.formats import READERS
from shared.media.inspection import LONGEST_SIDE, MOST_PIXELS, Found, inspect
from shared.media.refusals import PictureRefused, Refusal

WIDTHS = (160, 320, 640, 1024, 1600)  # pixels; a list's smallest card to a full screen, never more than the original
TALLEST = 4096  # pixels; a taller rendition is narrowed
ORIGINAL = "original"

_MEMORY = 1536 * 1024**2  # bytes of address space; 64 million pixels took 1,300 MB at most, and the function has 2,048
_SECONDS = 100  # of CPU
_FILE = 64 * 1024**2  # bytes of one rendition

# What Pillow's decoders were seen to raise for files that were damaged at random, and what is like it.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, AttributeError),
    *(ArithmeticError, RuntimeError, struct.error),
)
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Quality at which each format looks alike; the slower settings of AVIF save 3 % of bytes for twice the time.
_SAVED_AS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("avif", "AVIF", {"quality": 58, "speed": 7, "max_threads": 2}),
    ("webp", "WEBP", {"quality": 78, "method": 4}),
    ("jpeg", "JPEG", {"quality": 80, "progressive": True, "optimize": True}),
)


def render(folder: Path) -> dict[str, Any]:
    """Make the renditions of the folder's `original`; return what it was and what was made, as JSON has it.

    Raises:
        PictureRefused: it is no picture that we take, or cannot be decoded.
    """
    content = (folder / ORIGINAL).read_bytes()
    found = inspect(content, READERS)
    upright = _decoded(content, found)
    lies = (found.width > found.height) != (upright.width > upright.height)  # on its side, until it was turned
    width, height = (found.height, found.width) if lies else (found.width, found.height)
    return {
        "media_type": found.media_type,
        "width": width,
        "height": height,
        "renditions": [made for one in widths(width, height) for made in _renditions(upright, one, folder)],
    }


def widths(width: int, height: int) -> list[int]:
    """Return the widths in which a picture of this size is kept: the largest is its own, and none is close below it."""
    most = min(width, WIDTHS[-1], max(1, width * TALLEST // height))
    return [one for one in WIDTHS if one * 5 <= most * 4] + [most]


def _decoded(content: bytes, found: Found) -> Image.Image:
    """Return the first frame, upright, in sRGB, as RGB or RGBA, with nothing else of the file left in it."""
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture: Image.Image = Image.open(io.BytesIO(content), formats=[found.format])
            if picture.width * picture.height > MOST_PIXELS or max(picture.size) > LONGEST_SIDE:
                raise PictureRefused(Refusal.TOO_MANY_PIXELS)  # the decoder reads another size than we did
            picture.draft(None, (WIDTHS[-1], WIDTHS[-1]))  # a large JPEG is decoded at half its size, or less
            picture.load()
            profile = picture.info.get("icc_profile")
            upright = _in_srgb(_turned(picture), profile)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureRefused(Refusal.TOO_MANY_PIXELS) from None
    except MemoryError:
        raise PictureRefused(Refusal.TOO_COSTLY) from None
    except _BROKEN:
        raise PictureRefused(Refusal.BROKEN) from None
    upright.info = {}  # encoders would write some of it again: profiles, comments
    return upright


def _turned(picture: Image.Image) -> Image.Image:
    """Return the picture as its camera was held; a note that can't be read is left out of account."""
    try:
        held = picture.getexif().get(ExifTags.Base.Orientation)
    except _BROKEN:
        return picture
    return picture.transpose(_TURNS[held]) if held in _TURNS else picture


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if picture.mode.startswith("I"):  # 16 bits of grey, which Pillow's own conversion would clip at 255
        picture = picture.convert("I").point(lambda value: value / 257).convert("L")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    elif picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    shown = _of_profile(picture.convert("RGB") if alpha else picture, profile).convert("RGB")
    if alpha:
        shown.putalpha(alpha)
    return shown


def _of_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Apply a colour profile; one that is broken, or is for another kind of colours, is left out of account."""
    if not profile:
        return picture
    try:
        meant = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(picture, meant, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture
    return shown or picture


def _renditions(upright: Image.Image, width: int, folder: Path) -> Iterator[dict[str, Any]]:
    height = max(1, round(upright.height * width / upright.width))
    small = upright if width == upright.width else upright.resize((width, height), Image.Resampling.LANCZOS)
    for name, kind, how in _SAVED_AS:
        file = io.BytesIO()
        (_on_white(small) if kind == "JPEG" else small).save(file, kind, **how)
        content = file.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        path = f"{width}-{digest[:20]}.{'jpg' if name == 'jpeg' else name}"
        (folder / path).write_bytes(content)
        yield {"format": name, "width": width, "height": small.height, "bytes": len(content), "file": path}


def _on_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture, mask=picture.getchannel("A"))
    return white


def main(folder: Path) -> int:
    """Limit this process, render, and tell what became of it."""
    for limit, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_CPU, _SECONDS),
        (resource.RLIMIT_FSIZE, _FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (most, most))
    try:
        told = render(folder)
    except PictureRefused as refused:
        told = {"refused": refused.reason.value}
    except MemoryError:
        told = {"refused": Refusal.TOO_COSTLY.value}
    sys.stdout.write(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
