"""What comes in and goes out about imports and exports."""

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StringConstraints

from shared.core.schemas import Input, Schema
from shared.core.storage import Form
from shared.imports.options import ImportOptions
from shared.jobs.models import Job
from shared.jobs.schemas import JobDescriptor

FileFormat = Annotated[Literal["shopify_csv"], Field(description="Products as Shopify exports them.")]
FileName = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f/\\]*$")]


class NewImport(ImportOptions):
    """An import to be opened. Amounts of the file are in the store's currency, since the form has no column for one."""

    format: FileFormat
    dry_run: StrictBool = Field(default=False, description="Report what it would do, and change nothing.")
    currency: str | None = Field(
        default=None,
        pattern=r"^[A-Z]{3}$",
        description="Which currency the file's amounts are in, if you know: refused where it is not the store's.",
    )
    file_name: FileName = Field(default="", description="For people: what the file was called.")


class UploadOut(Schema):
    """How the file is sent: a multipart POST of all `fields`, and after them the file as the field `file`."""

    url: str
    fields: dict[str, str]


class ImportOut(Schema):
    """An import that waits for its file. Send it, then start the import."""

    job: JobDescriptor
    currency: str = Field(description="What the file's amounts are taken for: the store's currency.")
    upload: UploadOut

    @classmethod
    def of(cls, job: Job, form: Form) -> Self:
        """Present an import with the form for its file."""
        upload = UploadOut(url=form.url, fields=form.fields)
        return cls(job=JobDescriptor.of(job), currency=job.params["currency"], upload=upload)


class NewExport(Input):
    """An export to be made: all products that are not deleted, drafts included."""

    format: FileFormat
