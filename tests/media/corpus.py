"""Files for the upload corpus: good pictures of every kind, and what must not pass for one. Seeded, made by Pillow."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from random import Random

from PIL import Image, ImageCms, ImageDraw, ImageFilter

JPEG, PNG, GIF, WEBP, AVIF = "image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"


def photo(width: int = 360, height: int = 270, *, seed: int = 1) -> Image.Image:
    """Draw something with the detail of a photo: soft shapes, edges, and a little noise."""
    random = Random(seed)
    small = Image.frombytes("RGB", (64, 48), random.randbytes(64 * 48 * 3)).filter(ImageFilter.GaussianBlur(3))
    picture = small.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(30):
        x, y, r = random.randrange(width), random.randrange(height), random.randrange(4, max(5, width // 8))
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(random.randbytes(3)))
    noise = Image.effect_noise((width, height), 24).convert("RGB")
    return Image.blend(picture, noise, 0.06)


def encoded(picture: Image.Image, kind: str, **how: object) -> bytes:
    """Encode a picture as Pillow's kind."""
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def with_location() -> bytes:
    """Encode a JPEG that says where, when and by whom it was taken, on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees
    exif[0x010F] = "Camera of Ann"
    exif.get_ifd(0x8825)[2] = (23.0, 46.0, 37.0)  # GPS latitude
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">Camera of Ann</x:xmpmeta>'
    return encoded(photo(), "JPEG", exif=exif, comment=b"Camera of Ann", xmp=xmp)


def good() -> Iterator[tuple[str, str, bytes]]:
    """Yield name, media type and content of pictures of every kind and mode that we take."""
    rgb = photo()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = rgb.convert("RGBA")
    alpha.putalpha(Image.radial_gradient("L").resize(rgb.size))
    yield "jpeg", JPEG, encoded(rgb, "JPEG")
    yield "jpeg progressive", JPEG, encoded(rgb, "JPEG", progressive=True, quality=90)
    yield "jpeg grey", JPEG, encoded(rgb.convert("L"), "JPEG")
    yield "jpeg cmyk", JPEG, encoded(rgb.convert("CMYK"), "JPEG")
    yield "jpeg with a profile", JPEG, encoded(rgb, "JPEG", icc_profile=profile)
    yield "jpeg with a broken profile", JPEG, encoded(rgb, "JPEG", icc_profile=b"\x00" * 200)
    yield "jpeg on its side, with a place", JPEG, with_location()
    yield "jpeg with a preview behind it", JPEG, encoded(rgb, "JPEG") + encoded(photo(64, 64), "JPEG")
    yield "jpeg with padding", JPEG, encoded(rgb, "JPEG") + b"\x00" * 512
    yield "png", PNG, encoded(rgb, "PNG")
    yield "png rgba", PNG, encoded(alpha, "PNG")
    yield "png palette", PNG, encoded(rgb.quantize(64), "PNG")
    yield "png palette with transparency", PNG, encoded(rgb.quantize(64), "PNG", transparency=3)
    yield "png 1 bit", PNG, encoded(rgb.convert("1"), "PNG")
    yield "png 16 bits of grey", PNG, encoded(sixteen_bits(), "PNG")
    yield "png grey and alpha", PNG, encoded(alpha.convert("LA"), "PNG")
    yield "png interlaced by nobody, with text", PNG, encoded(rgb, "PNG", icc_profile=profile, dpi=(300, 300))
    yield "gif", GIF, encoded(rgb.quantize(64), "GIF")
    yield "gif of 20 frames", GIF, animation(20)
    yield "webp", WEBP, encoded(rgb, "WEBP")
    yield "webp lossless with alpha", WEBP, encoded(alpha, "WEBP", lossless=True)
    yield "webp of 3 frames", WEBP, encoded(rgb, "WEBP", save_all=True, append_images=[photo(seed=2), photo(seed=3)])
    yield "avif", AVIF, encoded(rgb, "AVIF")
    yield "avif with alpha", AVIF, encoded(alpha, "AVIF")
    yield "just large enough", PNG, encoded(photo(16, 16), "PNG")
    yield "tall", PNG, encoded(Image.new("RGB", (40, 9000), "red"), "PNG")


def sixteen_bits() -> Image.Image:
    """Return a ramp of 16 bits of grey, from black to white."""
    values = b"".join(struct.pack("<H", column * 65535 // 255) for _ in range(64) for column in range(256))
    return Image.frombytes("I;16", (256, 64), values)


def animation(frames: int, size: int = 16) -> bytes:
    """Encode a GIF of so many frames, by hand where there are many: each a rectangle of one colour."""
    head = b"GIF89a" + struct.pack("<HHBBB", size, size, 0x80, 0, 0) + b"\x00\x00\x00\xff\xff\xff"
    # LZW of minimal code size 2: clear, pixels, end; one small block a frame is what bombs are made of.
    small = encoded(Image.new("P", (size, size)), "GIF")
    start = small.index(b"\x2c", 13 + 3 * 2 ** ((small[10] & 7) + 1) if small[10] & 0x80 else 13)
    descriptor = small[start:-1]
    return head + descriptor * frames + b"\x3b"


def archive() -> bytes:
    """Return a ZIP with a script in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("evil.php", "<?php system($_GET['c']); ?>")
    return file.getvalue()


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG, its checksum right."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, *chunks: bytes, rows: bytes = b"") -> bytes:
    """Return a PNG whose header promises this size."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def with_chunk(png: bytes, chunk: bytes) -> bytes:
    """Return a PNG with one more chunk behind its header."""
    return png[:33] + chunk + png[33:]


def with_jpeg_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """Return a JPEG with one more segment at its beginning."""
    return jpeg[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content + jpeg[2:]


def with_jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    """Return a JPEG whose header promises another size."""
    at = jpeg.index(b"\xff\xc0")
    return jpeg[: at + 5] + struct.pack(">HH", height, width) + jpeg[at + 9 :]


def bad() -> Iterator[tuple[str, str, bytes, str]]:
    """Yield name, declared type, content and the reason for which it has to be refused."""
    yield from _no_pictures()
    yield from _polyglots()
    yield from _bombs()
    yield from _broken()


def _no_pictures() -> Iterator[tuple[str, str, bytes, str]]:
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
    yield "an SVG", JPEG, svg, "unsupported_type"
    yield (
        "an SVG with a prologue",
        PNG,
        b'<?xml version="1.0"?>\n<!-- x -->\n<!DOCTYPE svg>\n' + svg,
        "unsupported_type",
    )
    yield "a page named .jpg", JPEG, b"<!doctype html><script>alert(1)</script>", "not_a_picture"
    yield "a script", PNG, b"<?php system('id'); ?>", "not_a_picture"
    yield "an archive", PNG, archive(), "not_a_picture"
    yield "a program", PNG, b"\x7fELF" + bytes(100), "not_a_picture"
    yield "a PDF", PNG, b"%PDF-1.7\n", "unsupported_type"
    yield "a TIFF", JPEG, encoded(photo(32, 32), "TIFF"), "unsupported_type"
    yield "a BMP", JPEG, encoded(photo(32, 32), "BMP"), "unsupported_type"
    yield "a HEIC", JPEG, b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50), "unsupported_type"
    yield "text", JPEG, b"hello", "not_a_picture"
    yield "one byte", JPEG, b"\xff", "not_a_picture"
    yield "a PNG declared as JPEG", JPEG, encoded(photo(32, 32), "PNG"), "type_mismatch"
    yield "a GIF declared as WebP", WEBP, animation(1), "type_mismatch"


def _polyglots() -> Iterator[tuple[str, str, bytes, str]]:
    small = photo(64, 64)
    more = "more_than_a_picture"
    pictures = {kind: encoded(small, kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF")} | {"GIF": animation(1, 32)}
    tails = {"a ZIP": archive(), "a page": b"<html><script>alert(1)</script></html>", "a script": b"<?php x(); ?>"}
    for kind, picture in pictures.items():
        for what, tail in tails.items():
            yield f"a {kind} with {what} behind it", f"image/{kind.lower()}", picture + tail, more
    php = b"<?php system('id'); ?>"
    yield "a JPEG with a script in a comment", JPEG, with_jpeg_segment(pictures["JPEG"], 0xFE, php), more
    yield "a JPEG with a ZIP in a note", JPEG, with_jpeg_segment(pictures["JPEG"], 0xEF, archive()), more
    yield "a JPEG with a PDF in a note", JPEG, with_jpeg_segment(pictures["JPEG"], 0xE5, b"%PDF-1.4\n1 0 obj"), more
    yield (
        "a PNG with a script in a text",
        PNG,
        with_chunk(pictures["PNG"], png_chunk(b"tEXt", b"Comment\x00" + php)),
        more,
    )
    packed = b"Comment\x00\x00" + zlib.compress(b"<html><script>alert(1)</script>")
    yield "a PNG with a page in a packed text", PNG, with_chunk(pictures["PNG"], png_chunk(b"zTXt", packed)), more
    yield (
        "a PNG with a ZIP in a chunk of its own",
        PNG,
        with_chunk(pictures["PNG"], png_chunk(b"quUx", archive())),
        more,
    )
    noted = pictures["GIF"][:-1] + b"\x21\xfe" + bytes([len(php)]) + php + b"\x00\x3b"
    yield "a GIF with a script in a comment", GIF, noted, more
    webp = pictures["WEBP"] + b"XMP " + struct.pack("<I", len(php)) + php
    yield "a WebP with a script in a note", WEBP, webp[:4] + struct.pack("<I", len(webp) - 8) + webp[8:], more


def _bombs() -> Iterator[tuple[str, str, bytes, str]]:
    picture = encoded(photo(64, 64), "PNG")
    zeros = zlib.compress(bytes(200 * 1024 * 1024), 9)
    yield "a PNG of 20,000 x 20,000", PNG, png_of(20_000, 20_000), "too_many_pixels"
    yield "a PNG of 4 thousand million pixels a side", PNG, png_of(2**31 - 1, 2**31 - 1), "too_many_pixels"
    yield "a PNG of 1 x 30,000", PNG, png_of(16, 30_000), "too_many_pixels"
    yield (
        "a JPEG of 65,535 x 65,535",
        JPEG,
        with_jpeg_size(encoded(photo(64, 64), "JPEG"), 65_535, 65_535),
        "too_many_pixels",
    )
    yield "a GIF of 65,535 x 65,535", GIF, animation(1)[:6] + b"\xff\xff\xff\xff" + animation(1)[10:], "too_many_pixels"
    yield "a GIF of 10,000 frames", GIF, animation(10_000), "too_many_frames"
    yield (
        "an APNG of a million frames",
        PNG,
        with_chunk(picture, png_chunk(b"acTL", struct.pack(">II", 10**6, 0))),
        "too_many_frames",
    )
    yield (
        "a PNG whose zTXt unpacks to 200 MB",
        PNG,
        with_chunk(picture, png_chunk(b"zTXt", b"a\x00\x00" + zeros)),
        "unpacks_to_too_much",
    )
    yield (
        "a PNG whose iTXt unpacks to 200 MB",
        PNG,
        with_chunk(picture, png_chunk(b"iTXt", b"a\x00\x01\x00\x00\x00" + zeros)),
        "unpacks_to_too_much",
    )
    yield (
        "a PNG whose profile unpacks to 200 MB",
        PNG,
        with_chunk(picture, png_chunk(b"iCCP", b"a\x00\x00" + zeros)),
        "unpacks_to_too_much",
    )
    yield "one pixel", PNG, encoded(Image.new("RGB", (1, 1)), "PNG"), "too_small"
    yield "a GIF of one pixel", GIF, encoded(Image.new("P", (1, 1)), "GIF"), "too_small"


def _broken() -> Iterator[tuple[str, str, bytes, str]]:
    picture = photo(200, 200)
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "AVIF"):
        whole = encoded(picture.quantize(16) if kind == "GIF" else picture, kind)
        for share in (0.5, 0.9):
            yield f"{share:.0%} of a {kind}", f"image/{kind.lower()}", whole[: int(len(whole) * share)], "truncated"
    png = encoded(picture, "PNG")
    yield "a PNG whose data is noise", PNG, png_of(64, 64, rows=b"noise"), "broken"
    yield "a PNG whose checksum is wrong", PNG, png[:29] + b"\x00\x00\x00\x00" + png[33:], "broken"
    jpeg = encoded(picture, "JPEG")
    yield "a JPEG without tables", JPEG, jpeg[:2] + jpeg[jpeg.index(b"\xff\xc0") :], "broken"
    yield "a JPEG of nothing", JPEG, b"\xff\xd8\xff\xd9", "broken"
