"""Figures in columns, for a terminal."""

import sys
import time
from collections.abc import Sequence

type Cell = str | int | float | None

_BEGAN = time.monotonic()


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]], *notes: str) -> None:
    """Print a table under its title, and the notes below it; the first column is words, the others are figures."""
    lines = [list(columns), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    print(f"\n{title}\n")
    for number, line in enumerate(lines):
        first, *others = line
        figures = "  ".join(text.rjust(width) for text, width in zip(others, widths[1:], strict=True))
        print(f"  {first.ljust(widths[0])}  {figures}".rstrip())
        if number == 0:
            print("  " + "  ".join("-" * width for width in widths))
    for note in notes:
        print(f"  {note}")


def tell(what: str) -> None:
    """Say on the terminal how far it is; the tables alone go to whoever keeps them."""
    sys.stderr.write(f"[{time.monotonic() - _BEGAN:4.0f} s] {what}\n")
    sys.stderr.flush()


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def _text(cell: Cell) -> str:
    match cell:
        case None:
            return "-"
        case float():
            return f"{cell:.0f}" if cell >= 1000 else f"{cell:.1f}" if cell >= 100 else f"{cell:.2f}"
        case _:
            return str(cell)
