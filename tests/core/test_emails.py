"""E-mail addresses in one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.core import emails
from shared.core.emails import Email


class Contact(BaseModel):
    email: Email


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("rahim@example.com", "rahim@example.com"),
        ("  Rahim.Uddin+shop@Example.COM\n", "Rahim.Uddin+shop@example.com"),
        ("o'neil@mail.example.co.uk", "o'neil@mail.example.co.uk"),
        ("a@xn--54b7fta0cc.xn--54b7fta0cc", "a@xn--54b7fta0cc.xn--54b7fta0cc"),
        ("x" * 64 + "@example.com", "x" * 64 + "@example.com"),
    ],
)
def test_an_address_is_stripped_and_its_domain_lowered(typed: str, address: str) -> None:
    assert emails.normalize(typed) == address


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "rahim",
        "rahim@",
        "@example.com",
        "rahim@example",
        "rahim@@example.com",
        "ra him@example.com",
        "rahim@exa mple.com",
        ".rahim@example.com",
        "rahim.@example.com",
        "ra..him@example.com",
        "rahim@-example.com",
        "rahim@example-.com",
        "rahim@example..com",
        "rahim@127.0.0.1",
        "rahim@[127.0.0.1]",
        '"ra him"@example.com',
        "rahim@example.com\nBcc: all@example.com",
        "রহিম@example.com",
        "rahim@উদাহরণ.বাংলা",
        "x" * 65 + "@example.com",
        "rahim@" + "a" * 64 + ".com",
        "rahim@" + "a.b" * 90 + ".com",
    ],
)
def test_other_texts_are_refused_with_a_sentence(wrong: str) -> None:
    with pytest.raises(ValueError, match="An e-mail address has the form"):
        emails.normalize(wrong)


@given(st.emails() | st.text(max_size=300))
def test_what_is_normalized_stays_as_it_is(typed: str) -> None:
    try:
        address = emails.normalize(typed)
    except ValueError:
        return

    assert emails.normalize(address) == address
    assert len(address) <= 254
    assert address.isascii()


def test_an_address_is_found_again_whatever_its_capitals() -> None:
    assert emails.for_lookup(" Rahim@Example.com") == emails.for_lookup("rahim@example.COM") == "rahim@example.com"


def test_pydantic_normalizes_and_refuses() -> None:
    contact = Contact(email="Rahim@Example.com ")

    with pytest.raises(ValidationError, match="An e-mail address has the form"):
        Contact(email="rahim")

    assert contact.email == "Rahim@example.com"
    assert Contact.model_json_schema()["properties"]["email"]["format"] == "email"
