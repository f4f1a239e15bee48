"""What documents are planned against: what there is, and what the store defines."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.catalog import attributes, custom_fields
from shared.catalog.declaring.present import Present


@dataclass
class Setting:
    """All that a plan needs to know beside the documents; read once for all of them."""

    present: Present
    media: Mapping[str, str]  # an address to the id of its picture
    usable_media: Collection[str]  # of the pictures that documents name by id, those that can be shown
    currency: str  # of the store
    attributes: Mapping[str, attributes.Definition]
    product_fields: Mapping[str, custom_fields.Field]
    variant_fields: Mapping[str, custom_fields.Field]
    free_slugs: Mapping[str, Sequence[str]] = field(default_factory=dict)  # a title's slug to those that can be had
    only_new: bool = False  # documents make products; whoever is there already is in their way
