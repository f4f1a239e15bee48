"""Streaming a file through an import: from its checkpoint on, a piece at a time, read while no transaction is open."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from shared.core import storage
from shared.core.storage import Bucket, NoSuchObject
from shared.imports import columns, reading, shopify
from shared.imports.columns import Header
from shared.imports.grouping import batches
from shared.imports.meant import Meant
from shared.imports.options import ImportOptions
from shared.imports.reading import Form, Unreadable
from shared.jobs.driving import Hopeless
from shared.jobs.findings import Finding
from shared.jobs.models import Severity
from shared.jobs.working import Claim


@dataclass(frozen=True)
class Piece:
    """Some products of a file, what is to be said of the file itself, and where the next piece begins."""

    products: list[Meant]
    checkpoint: Mapping[str, Any]
    done: int  # bytes
    total: int
    findings: list[Finding] = field(default_factory=list)


def pieces(claim: Claim) -> Iterator[Piece]:
    """Read an import's file from its checkpoint on. The first piece of all has no products: only what the file is.

    Raises:
        Hopeless: there is no file, it is another one than before, or it cannot be read.
    """
    key = str(claim.params["key"])
    objects = storage.objects()
    size = objects.size(Bucket.UPLOADS, key)
    if size is None:
        raise Hopeless("There is no file: it is to be sent before the import is started.")
    if claim.checkpoint and claim.checkpoint["size"] != size:
        raise Hopeless("The file was replaced while it was imported. What was done until then stays done.")
    open_at = partial(_open, key)
    try:
        yield from _pieces(claim, open_at, size)
    except Unreadable as unreadable:
        raise Hopeless(str(unreadable)) from unreadable
    except NoSuchObject as gone:
        raise Hopeless("The file is gone.") from gone


def _pieces(claim: Claim, open_at: reading.Open, size: int) -> Iterator[Piece]:
    form = Form(**claim.checkpoint["form"]) if claim.checkpoint else reading.recognize(open_at)
    header = columns.header(form.header)
    base: dict[str, Any] = {"form": asdict(form), "size": size}
    place = {"offset": form.body, "line": form.body_line}
    if claim.checkpoint:
        place = {"offset": claim.checkpoint["offset"], "line": claim.checkpoint["line"]}
    else:
        yield Piece([], base | place, min(form.body, size), size, _of_the_file(form, header))
    options = ImportOptions.model_validate({name: claim.params[name] for name in ImportOptions.model_fields})
    currency = str(claim.params["currency"])
    found = reading.records(open_at, form, start=place["offset"], line=place["line"])
    for batch in batches(found, header):
        products = [shopify.meaning(group, header, options, currency) for group in batch.groups]
        checkpoint = base | {"offset": batch.end, "line": batch.end_line}
        yield Piece(products, checkpoint, min(batch.end, size), size)


def _open(key: str, start: int) -> Any:  # noqa: ANN401 -- the object store's own stream
    return storage.objects().open(Bucket.UPLOADS, key, start=start)


def _of_the_file(form: Form, header: Header) -> list[Finding]:
    found = []
    if form.encoding == "cp1252":
        told = "The file is no UTF-8 and was read as Windows-1252. Where letters are wrong, save it as CSV UTF-8."
        found.append(Finding(1, Severity.WARNING, "encoding_guessed", told))
    if header.left_out:
        told = f"These columns are not taken: {', '.join(header.left_out)}."
        found.append(Finding(1, Severity.WARNING, "columns_left_out", told))
    told = "The first column of this name counts."
    return found + [Finding(1, Severity.WARNING, "column_given_twice", told, name) for name in header.doubled]
