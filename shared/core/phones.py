"""Phone numbers: one spelling each, E.164 (`+8801712345678`), whatever way a person writes them."""

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, WithJsonSchema

DEFAULT_REGION = "BD"  # ISO 3166: the country of numbers without a country code

AS_STORED = "as stored"  # the context of a validation whose numbers were normalized before, which is dear

_LONGEST = 40  # characters of what a person may write: 15 digits and their spaces, dashes and brackets


def normalize(text: str, region: str = DEFAULT_REGION) -> str:
    """Return the number as E.164. `region` is the store's country, for numbers that are written without one.

    Checked against the numbering plan of its country; whether somebody answers, only a call can tell.

    Raises:
        ValueError: it is no phone number there; the text is a sentence for the person who typed it.
    """
    import phonenumbers  # noqa: PLC0415 -- 50 ms of numbering plans that only what reads a phone number should load

    message = "A phone number is written as +8801712345678, or as it is dialled in the store's own country."
    if len(text) > _LONGEST:
        raise ValueError(message)
    try:
        number = phonenumbers.parse(text, region.upper())
    except phonenumbers.NumberParseException:
        raise ValueError(message) from None
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise ValueError(message)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _normalized(text: str, info: ValidationInfo) -> str:
    return text if info.context is AS_STORED else normalize(text)


Phone = Annotated[
    str,
    AfterValidator(_normalized),
    WithJsonSchema({"type": "string", "format": "phone", "maxLength": _LONGEST, "examples": ["+8801712345678"]}),
]
"""A phone number in E.164; one without a country code is of Bangladesh. For a store elsewhere, call `normalize`."""
