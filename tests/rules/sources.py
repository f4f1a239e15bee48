"""The project's files as the rules see them: every file that git knows or would take."""

import ast
import importlib
import io
import subprocess
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file: where it stands in the project, and its text."""

    path: PurePosixPath
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed file."""
        return ast.parse(self.text, filename=str(self.path))

    @cached_property
    def comments(self) -> Sequence[tuple[int, str]]:
        """Each comment with its line; what merely looks like one inside a string is none."""
        tokens = tokenize.generate_tokens(io.StringIO(self.text).readline)
        return [(token.start[0], token.string) for token in tokens if token.type == tokenize.COMMENT]

    @property
    def area(self) -> str:
        """The folder at the top: "shared", "functions", "tests", ..."""
        return self.path.parts[0]

    @property
    def domain(self) -> str | None:
        """The domain that the file belongs to: "orders" in shared/orders/placement.py; none for core and the rest."""
        if self.area not in ("shared", "functions") or len(self.path.parts) < 3 or self.path.parts[1] == "core":
            return None
        return self.path.parts[1]

    def within(self, *folders: str) -> bool:
        """Tell whether the file stands in one of `folders`, or is one of them."""
        return any(self.path.is_relative_to(folder) for folder in folders)


def tracked(root: Path = ROOT) -> list[PurePosixPath]:
    """Return every file that git tracks or would add, except what was deleted and not yet committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return sorted({PurePosixPath(name) for name in listed.split("\0") if name and (root / name).is_file()})


def python_sources(root: Path = ROOT) -> list[Source]:
    """Return every Python file of the project."""
    return [Source(path, (root / path).read_text("utf-8")) for path in tracked(root) if path.suffix == ".py"]


def import_everything() -> None:
    """Import all of functions/ and shared/, so that every table, problem and event is known."""
    for source in python_sources():
        if source.area in ("functions", "shared"):
            importlib.import_module(".".join(source.path.with_suffix("").parts).removesuffix(".__init__"))


def dotted(node: ast.AST) -> str:
    """Return "a.b.c" for such an expression, and "" for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def imported(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the full name of everything that a file imports, wherever it does: `from a import b` is "a.b"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
