"""Passwords: how they are kept, that time does not tell who has one, and which are refused."""

import argon2
import pytest

from shared.core import passwords
from shared.core.passwords import PasswordRefused

GOOD = "four green kettles"


def test_a_password_is_kept_as_argon2id_with_owasps_parameters() -> None:
    kept = passwords.hash(GOOD)

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept != passwords.hash(GOOD)
    assert passwords.matches(kept, GOOD)
    assert not passwords.matches(kept, GOOD.upper())
    assert not passwords.matches(kept, GOOD + " ")


def test_where_there_is_no_password_none_is_right_and_the_same_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    verify = argon2.PasswordHasher.verify

    def seen(self: argon2.PasswordHasher, hash: str, password: str | bytes) -> bool:  # noqa: A002 -- the library's name
        asked.append(hash.rsplit("$", 2)[0])
        return verify(self, hash, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", seen)

    assert not passwords.matches(None, GOOD)
    assert not passwords.matches(passwords.hash(GOOD), "another one")

    assert asked == ["$argon2id$v=19$m=19456,t=2,p=1"] * 2


def test_a_hash_of_weaker_parameters_still_counts_and_asks_for_a_new_one() -> None:
    weak = argon2.PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(GOOD)

    assert passwords.matches(weak, GOOD)
    assert passwords.needs_rehash(weak)
    assert not passwords.needs_rehash(passwords.hash(GOOD))


@pytest.mark.parametrize(
    "password",
    [
        "rahim's pencil",
        "correct horse battery staple",
        "ab" * 64,
        "আমার সোনার বাংলা",
        "12345678 ",
        "no capital no digit",
        "🔑🔑🔑🔑🔒🔒🔒🔒",
    ],
)
def test_what_nobody_would_guess_is_taken_whatever_it_is_made_of(password: str) -> None:
    passwords.require_good(password, about=["rahim@example.com", "Rahim Uddin"])

    assert passwords.matches(passwords.hash(password), password)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("kettles", "too_short"),
        ("১২৩৪৫৬৭", "too_short"),
        ("k" * 128 + "t", "too_long"),
        ("password", "too_common"),
        ("PassWord1", "too_common"),
        ("iloveyou1", "too_common"),
        ("zzzzzzzzzz", "too_common"),
        ("rahim@example.com", "about_you"),
        ("RahimUddin1971", "about_you"),
        ("karim-rahim", "about_you"),
        ("rupali2026", "about_you"),
        ("stormcom", "about_you"),
        ("rahim12345678", "about_you"),
    ],
)
def test_what_could_be_guessed_is_refused_with_its_reason(password: str, reason: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        passwords.require_good(password, about=["rahim@example.com", "Rahim Uddin", "Rupali"], field="new_password")

    assert refused.value.extra == {"reason": reason}
    assert refused.value.errors[0].pointer == "/body/new_password"


def test_the_list_of_common_passwords_holds_more_than_three_thousand_that_would_be_long_enough() -> None:
    listed = passwords._common()

    assert len(listed) > 3_000
    assert all(len(word) >= passwords.SHORTEST for word in listed)
    assert {"password", "12345678", "qwertyuiop"} <= listed


def test_half_a_character_is_a_password_like_any_other() -> None:
    kept = passwords.hash("\ud83d and more")

    assert passwords.matches(kept, "\ud83d and more")
