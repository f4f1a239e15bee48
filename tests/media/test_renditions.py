"""What is made of a picture: formats, widths, colours, and nothing of what else stood in its file."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from shared.media import rendering, workshop
from shared.media.rendering import widths
from tests import figures
from tests.media import corpus

GOOD = {name: (media_type, content) for name, media_type, content in corpus.good()}


def colour(picture: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """Return red, green, blue and opacity of a pixel."""
    return tuple(picture.convert("RGBA").crop((*at, at[0] + 1, at[1] + 1)).tobytes())


def made(folder: Path, content: bytes) -> tuple[dict[str, Any], dict[tuple[str, int], Image.Image]]:
    """Render a file; return what is told of it, and the pictures by format and width."""
    told = workshop.render(folder, content)
    return told, {
        (one["format"], one["width"]): Image.open(io.BytesIO((folder / one["file"]).read_bytes()))
        for one in told["renditions"]
    }


@pytest.mark.parametrize("name", GOOD)
def test_a_picture_of_any_kind_becomes_three_formats(name: str, tmp_path: Path) -> None:
    media_type, content = GOOD[name]

    told, pictures = made(tmp_path, content)

    assert told["media_type"] == media_type
    assert {kind for kind, _ in pictures} == {"avif", "webp", "jpeg"}
    for (kind, width), picture in pictures.items():
        assert picture.format == {"avif": "AVIF", "webp": "WEBP", "jpeg": "JPEG"}[kind]
        assert picture.width == width <= Image.open(io.BytesIO(content)).width or name.startswith("jpeg on its side")
        assert picture.mode in (("RGB",) if kind == "jpeg" else ("RGB", "RGBA"))


def test_nothing_is_enlarged_and_the_largest_is_the_pictures_own_size() -> None:
    assert widths(4000, 3000) == [160, 320, 640, 1024, 1600]
    assert widths(1600, 1200) == [160, 320, 640, 1024, 1600]
    assert widths(500, 500) == [160, 320, 500]
    assert widths(360, 270) == [160, 360]  # 320 would save nothing
    assert widths(160, 160) == [160]
    assert widths(16, 16) == [16]
    assert widths(1000, 20_000) == [160, 204]  # no taller than 4096


def test_a_large_photo_is_measured_by_its_own_size_and_not_by_what_was_decoded(tmp_path: Path) -> None:
    told, pictures = made(tmp_path, corpus.encoded(corpus.photo(4000, 3000), "JPEG"))

    assert (told["width"], told["height"]) == (4000, 3000)
    assert pictures["jpeg", 1600].size == (1600, 1200)


def test_what_a_camera_notes_is_gone_and_the_picture_stands_upright(tmp_path: Path) -> None:
    content = corpus.with_location()
    assert b"Camera of Ann" in content

    told, pictures = made(tmp_path, content)

    assert (told["width"], told["height"]) == (270, 360)
    for picture in pictures.values():
        assert picture.height > picture.width
        assert dict(picture.getexif()) == {}
        assert picture.info.keys() <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        } | {
            "loop",
            "background",
            "timestamp",
            "duration",
        }
    for path in tmp_path.iterdir():
        if path.name != "original":
            assert b"Ann" not in path.read_bytes()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_as_its_camera_was_held(orientation: int, tmp_path: Path) -> None:
    upright = Image.new("RGB", (64, 48), "blue")
    upright.paste("red", (0, 0, 32, 24))  # the upper left quarter
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # what undoes each way of holding it
    lies = upright if orientation == 1 else upright.transpose(Image.Transpose(back[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation

    _, pictures = made(tmp_path, corpus.encoded(lies, "JPEG", exif=exif, quality=95))

    shown = pictures["webp", 64]
    assert shown.size == (64, 48)
    assert [colour(shown, at)[0] > 128 for at in ((16, 12), (48, 12), (16, 36), (48, 36))] == [
        True,
        False,
        False,
        False,
    ]


def test_sixteen_bits_of_grey_keep_their_shades(tmp_path: Path) -> None:
    _, pictures = made(tmp_path, corpus.encoded(corpus.sixteen_bits(), "PNG"))

    for column in (2, 64, 128, 192, 253):
        assert abs(colour(pictures["webp", 256], (column, 32))[0] - column) < 8


def test_the_colours_of_print_come_out_as_they_were_meant(tmp_path: Path) -> None:
    red = Image.new("RGB", (200, 200), (200, 30, 40)).convert("CMYK")

    _, pictures = made(tmp_path, corpus.encoded(red, "JPEG"))

    shown = colour(pictures["jpeg", 200], (100, 100))
    assert all(abs(one - meant) < 12 for one, meant in zip(shown, (200, 30, 40, 255), strict=True))


def test_transparency_stays_where_a_format_has_it_and_is_white_elsewhere(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (200, 200), (200, 30, 40, 0))

    _, pictures = made(tmp_path, corpus.encoded(clear, "PNG"))

    assert [colour(pictures[kind, 200], (100, 100))[3] for kind in ("webp", "avif")] == [0, 0]
    assert colour(pictures["jpeg", 200], (100, 100)) == (255, 255, 255, 255)


def test_the_same_file_gives_the_same_renditions(tmp_path: Path) -> None:
    content = corpus.encoded(corpus.photo(), "JPEG")
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()

    first, second = (workshop.render(folder, content) for folder in folders)

    assert first == second


def test_a_shopper_loads_far_fewer_bytes(tmp_path: Path) -> None:
    """Measured on photos as phones and cameras write them; what a page of 640 pixels loads, and the largest of ours."""
    whole = small = large = jpeg = 0
    for seed in range(3):
        folder = tmp_path / str(seed)
        folder.mkdir()
        content = corpus.encoded(corpus.photo(2400, 1800, seed=seed), "JPEG", quality=92)
        told = workshop.render(folder, content)
        sizes = {(one["format"], one["width"]): one["bytes"] for one in told["renditions"]}
        whole += len(content)
        small += sizes["avif", 640]
        large += sizes["avif", 1600]
        jpeg += sizes["jpeg", 1600]

    figures.of_this_run.add("bytes of 3 photos", originals=whole, avif_1600=large, jpeg_1600=jpeg, avif_640=small)
    assert large < jpeg < whole * 0.5
    assert small < whole * 0.1


def test_nobody_else_imports_the_decoders() -> None:
    importers = {
        path.name
        for folder in ("functions", "shared", "infra")
        for path in Path(rendering.__file__).parents[2].joinpath(folder).rglob("*.py")
        if "PIL" in (text := path.read_text()) and ("import PIL" in text or "from PIL" in text)
    }
    runners = [
        path.name
        for path in Path(rendering.__file__).parents[1].rglob("*.py")
        if "import rendering" in path.read_text() or "from shared.media.rendering" in path.read_text()
    ]

    assert (importers, runners) == ({"rendering.py"}, [])
