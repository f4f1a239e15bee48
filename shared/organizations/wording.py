"""The letter that asks somebody to join, in Bengali and in English."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """The words of one language; `{organization}`, `{inviter}` and `{token}` are replaced."""

    subject: str
    asked: str
    how: str
    ends: str
    not_you: str


ENGLISH = Words(
    subject="Join {organization} on StormCom",
    asked="{inviter} asks you to join {organization} on StormCom.",
    how="Sign in with this address, or sign up, and accept with this invitation:",
    ends="It is for you alone, works once, and ends after a week.",
    not_you="If you don't know what this is about, do nothing.",
)
BENGALI = Words(
    subject="StormCom-এ {organization}-এ যোগ দিন",
    asked="{inviter} আপনাকে StormCom-এ {organization}-এ যোগ দিতে আমন্ত্রণ জানিয়েছেন।",
    how="এই ঠিকানা দিয়ে সাইন ইন বা সাইন আপ করে এই আমন্ত্রণটি ব্যবহার করুন:",
    ends="এটি শুধু আপনার জন্য, একবারই কাজ করে, আর মেয়াদ এক সপ্তাহ।",
    not_you="বিষয়টি আপনার অজানা হলে কিছুই করতে হবে না।",
)


def in_language_of(locale: str) -> Words:
    """Return the words of a locale: Bengali for `bn` in any country, English for every other."""
    return BENGALI if locale.partition("-")[0] == "bn" else ENGLISH


def letter(words: Words, *, organization: str, inviter: str, token: str) -> tuple[str, str]:
    """Return subject and text of an invitation. The token stands in the text alone: subjects are shown on locks."""
    facts = {"organization": _one_line(organization), "inviter": _one_line(inviter)}
    lines = [_filled(words.asked, facts), "", words.how, "", token, "", words.ends, words.not_you]
    return _filled(words.subject, facts), "\n".join(lines)


def _filled(pattern: str, facts: dict[str, str]) -> str:
    # In one pass over the pattern, not formatted: a name with braces in it is a name and not a pattern.
    pieces = pattern.split("{")
    filled = [pieces[0]]
    for piece in pieces[1:]:
        name, _, rest = piece.partition("}")
        filled += [facts[name], rest]
    return "".join(filled)


def _one_line(text: str) -> str:
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())
