"""What customers are told by mail and text message about their account, in Bengali and in English.

A text message of Bengali letters has 70 characters before it costs twice, so these are short.
"""

from dataclasses import dataclass

from shared.customers.contacts import Reach
from shared.messaging.models import ChannelKind


@dataclass(frozen=True)
class Words:
    """The words of one language; `{store}`, `{code}` and `{contact}` are replaced."""

    code_subject: str
    code: str
    never_share: str
    contact_changed: str
    password_changed: str
    not_you: str


ENGLISH = Words(
    code_subject="{store}: your code is {code}",
    code="{code} is your code for {store}, for 10 minutes.",
    never_share="Tell nobody.",
    contact_changed="{store}: your account's contact is now {contact}.",
    password_changed="{store}: your password was changed.",  # noqa: S106 -- a sentence about one
    not_you="If this wasn't you, contact the shop.",
)
BENGALI = Words(
    code_subject="{store}: আপনার কোড {code}",
    code="{store}: আপনার কোড {code}, মেয়াদ ১০ মিনিট।",
    never_share="কাউকে বলবেন না।",
    contact_changed="{store}: আপনার অ্যাকাউন্টের যোগাযোগ এখন {contact}।",
    password_changed="{store}: আপনার পাসওয়ার্ড বদলানো হয়েছে।",  # noqa: S106 -- the same
    not_you="আপনি না করে থাকলে দোকানে জানান।",
)


def in_language_of(locale: str) -> Words:
    """Return the words of a locale: Bengali for `bn` in any country, English for every other."""
    return BENGALI if locale.partition("-")[0] == "bn" else ENGLISH


def code_message(words: Words, *, store: str, code: str) -> tuple[str, str]:
    """Return subject and text of the message that brings a code."""
    return _filled(words.code_subject, store, code=code), f"{_filled(words.code, store, code=code)} {words.never_share}"


def contact_message(words: Words, *, store: str, now: Reach) -> tuple[str, str]:
    """Return subject and text of the notice to a contact that another took the place of, which is told by its end."""
    told = _filled(words.contact_changed, store, contact=_ending(now))
    return told, f"{told} {words.not_you}"


def password_message(words: Words, *, store: str) -> tuple[str, str]:
    """Return subject and text of the notice of a new password."""
    told = _filled(words.password_changed, store)
    return told, f"{told} {words.not_you}"


def _ending(reach: Reach) -> str:
    if reach.channel is ChannelKind.EMAIL:
        local, _, domain = reach.value.partition("@")
        return f"{local[:1]}***@{domain}"
    return f"***{reach.value[-3:]}"


def _filled(pattern: str, store: str, **facts: str) -> str:
    # Replaced one by one, not formatted: a store's name with braces in it is a name and not a pattern.
    for name, value in facts.items():
        pattern = pattern.replace(f"{{{name}}}", value)
    return pattern.replace("{store}", _one_line(store))


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
