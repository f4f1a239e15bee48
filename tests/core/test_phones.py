"""Phone numbers in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.core import phones
from shared.core.phones import Phone


class Contact(BaseModel):
    phone: Phone


@pytest.mark.parametrize(
    "written",
    [
        "01712345678",
        "+8801712345678",
        "008801712345678",
        "880 1712 345678",
        " 01712-345678 ",
        "(01712) 345678",
        "০১৭১২৩৪৫৬৭৮",
        "tel:+880-1712-345678",
    ],
)
def test_however_a_number_is_written_it_has_one_spelling(written: str) -> None:
    assert phones.normalize(written) == "+8801712345678"


def test_what_is_read_as_it_was_stored_is_not_normalized_again() -> None:
    assert Contact.model_validate({"phone": "01712"}, context=phones.AS_STORED).phone == "01712"
    with pytest.raises(ValidationError):
        Contact.model_validate({"phone": "01712"})


@pytest.mark.parametrize(
    ("written", "region", "number"),
    [
        ("98510 12345", "NP", "+9779851012345"),
        ("+44 20 7946 0958", "BD", "+442079460958"),
        ("2025550123", "us", "+12025550123"),
    ],
)
def test_a_number_without_a_country_is_of_the_stores_own(written: str, region: str, number: str) -> None:
    assert phones.normalize(written, region) == number


@pytest.mark.parametrize(
    "wrong", ["", "hello", "12345", "0171234567", "01012345678", "+999123456789", "01712345678 ext. 5", "0" * 41, "+"]
)
def test_what_is_no_number_is_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match="A phone number is written as"):
        phones.normalize(wrong)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_number_or_refused(typed: str) -> None:
    try:
        number = phones.normalize(typed)
    except ValueError:
        return

    assert phones.normalize(number) == number


def test_pydantic_normalizes_and_refuses() -> None:
    contact = Contact(phone="01712345678")

    with pytest.raises(ValidationError, match="A phone number is written as"):
        Contact(phone="12")

    assert contact.phone == "+8801712345678"
    assert Contact.model_json_schema()["properties"]["phone"]["format"] == "phone"
