"""The upload corpus: what is no picture, or more than one, or far too much of one, is refused for the right reason."""

import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from shared.media import rendering, workshop
from shared.media.formats import READERS
from shared.media.inspection import inspect, sniff
from shared.media.refusals import PictureRefused, Refusal, sentence
from tests import figures
from tests.media import corpus

BAD = {name: (declared, content, reason) for name, declared, content, reason in corpus.bad()}
GOOD = {name: (media_type, content) for name, media_type, content in corpus.good()}


def judged(folder: Path, content: bytes, declared: str) -> str:
    """Return the reason for which a file is refused, as the worker decides; empty where it is not."""
    if sniff(content) not in (None, declared):
        return Refusal.TYPE_MISMATCH
    try:
        workshop.render(folder, content)
    except PictureRefused as refused:
        return refused.reason
    return ""


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_for_the_right_reason(name: str, tmp_path: Path) -> None:
    declared, content, reason = BAD[name]
    begun = time.monotonic()

    found = judged(tmp_path, content, declared)

    figures.of_this_run.add("upload corpus", files_refused=1)
    assert found == reason
    assert [path.name for path in tmp_path.iterdir() if path.name != "original"] == []
    assert time.monotonic() - begun < 60  # rather than hanging; a second is usual


@pytest.mark.parametrize("name", GOOD)
def test_pictures_of_every_kind_are_taken(name: str) -> None:
    media_type, content = GOOD[name]

    found = inspect(content, READERS)

    assert (sniff(content), found.media_type) == (media_type, media_type)


_MEASURED = """
import pathlib, re, runpy
try:
    runpy.run_module("shared.media.rendering", run_name="__main__", alter_sys=True)
except SystemExit:
    print(re.search("VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.parametrize(
    "name", ["a PNG of 20,000 x 20,000", "a PNG whose zTXt unpacks to 200 MB", "a GIF of 10,000 frames"]
)
def test_a_bomb_is_refused_in_little_memory(name: str, tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(BAD[name][1])

    command = [sys.executable, "-c", _MEASURED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    told, _, kilobytes = done.stdout.rpartition("}")
    assert BAD[name][2] in told
    assert int(kilobytes) < 100_000


def test_a_picture_that_takes_more_memory_than_there_is_ends_as_too_costly(tmp_path: Path) -> None:
    (tmp_path / "original").write_bytes(corpus.encoded(corpus.photo(400, 400).resize((5000, 5000)), "WEBP", method=0))
    starved = (
        "import pathlib, sys; from shared.media import rendering; rendering._MEMORY = 250 * 1024**2; "
        "sys.exit(rendering.main(pathlib.Path(sys.argv[1])))"
    )

    done = subprocess.run([sys.executable, "-c", starved, str(tmp_path)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "too_costly" in done.stdout


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "avif with alpha"])
def test_a_damaged_copy_is_decoded_or_refused_and_never_a_surprise(kind: str) -> None:
    random = Random(f"20261121 {kind}")
    content = GOOD[kind][1]
    ends = Counter[str]()
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(random.randrange(1, 6)):
            damaged[random.randrange(12, min(len(damaged), 2000))] = random.randrange(256)
        try:
            found = inspect(bytes(damaged), READERS)
            rendering._decoded(bytes(damaged), found)
            ends["decoded"] += 1
        except PictureRefused as refused:
            ends[refused.reason] += 1

    assert ends.total() == 150
    assert ends[Refusal.BROKEN] > 0


@pytest.mark.parametrize("name", ["jpeg", "png", "gif", "webp", "avif"])
def test_a_file_that_breaks_off_anywhere_is_never_taken_for_whole(name: str) -> None:
    content = GOOD[name][1]

    for length in range(12, len(content) - 1, max(1, len(content) // 200)):
        with pytest.raises(PictureRefused):
            inspect(content[:length], READERS)


@pytest.mark.parametrize("reason", list(Refusal))
def test_every_reason_has_a_sentence_for_its_merchant(reason: Refusal) -> None:
    assert sentence(reason).endswith(".")
