"""What we write to people about their account, in Bengali and in English.

No letter holds a text of the one who had it sent, not even a name: whoever enters another's address would have us say
it to them.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Letter:
    """One letter: what it says before its link, and after. `{minutes}` and `{hours}` say how long the link is good."""

    subject: str
    says: str
    ends: str
    follow: str = ""  # what to click on; none where there is no link


@dataclass(frozen=True)
class Words:
    """The letters of one language."""

    language: str  # BCP 47
    greeting: str
    verify_email: Letter
    already_registered: Letter
    reset_password: Letter
    password_changed: Letter
    second_factor_changed: Letter
    recovery_code_used: Letter  # `{left}`: how many more there are


ENGLISH = Words(
    language="en",
    greeting="Hello,",
    verify_email=Letter(
        subject="Confirm your address for StormCom",
        says="You signed up for StormCom with this address. Confirm it, and you can open your store.",
        follow="Confirm my address",
        ends="The link is good for {hours} hours. If it wasn't you, do nothing: without the link nobody gets in.",
    ),
    already_registered=Letter(
        subject="You have a StormCom account already",
        says="Somebody signed up for StormCom with this address, which has an account already. If it was you, sign in "
        "as before, or set a new password.",
        follow="Set a new password",
        ends="The link is good for {minutes} minutes. If it wasn't you, do nothing: your account is as it was.",
    ),
    reset_password=Letter(
        subject="Set a new password for StormCom",
        says="You asked for a new password.",
        follow="Set a new password",
        ends="The link is good for {minutes} minutes and for one use. If it wasn't you, do nothing: your password "
        "stays as it is.",
    ),
    password_changed=Letter(
        subject="Your StormCom password was changed",
        says="Your password has just been changed, and other browsers were signed out.",
        ends="If it wasn't you, set a new one at once: choose “Forgot password” where you sign in.",
    ),
    second_factor_changed=Letter(
        subject="How you sign in to StormCom was changed",
        says="An authenticator app or the recovery codes of your account have just been changed, and other browsers "
        "were signed out.",
        ends="If it wasn't you, set a new password at once: choose “Forgot password” where you sign in.",
    ),
    recovery_code_used=Letter(
        subject="A recovery code of your StormCom account was used",
        says="Somebody has just proven with a recovery code that they are you. You have {left} left.",
        ends="If it wasn't you, set a new password at once, and make new recovery codes.",
    ),
)

BENGALI = Words(
    language="bn",
    greeting="নমস্কার,",
    verify_email=Letter(
        subject="StormCom-এর জন্য আপনার ঠিকানা নিশ্চিত করুন",
        says="আপনি এই ঠিকানা দিয়ে StormCom-এ নিবন্ধন করেছেন। ঠিকানাটি নিশ্চিত করলেই দোকান খুলতে পারবেন।",
        follow="ঠিকানা নিশ্চিত করুন",
        ends="লিংকটি {hours} ঘণ্টা কাজ করবে। আপনি না করে থাকলে কিছুই করতে হবে না: লিংক ছাড়া কেউ ঢুকতে পারবে না।",
    ),
    already_registered=Letter(
        subject="আপনার একটি StormCom অ্যাকাউন্ট আছে",
        says="এই ঠিকানা দিয়ে কেউ StormCom-এ নিবন্ধন করতে চেয়েছেন, কিন্তু এর একটি অ্যাকাউন্ট আগে থেকেই আছে। আপনি হলে আগের মতো "
        "সাইন ইন করুন, অথবা নতুন পাসওয়ার্ড দিন।",
        follow="নতুন পাসওয়ার্ড দিন",
        ends="লিংকটি {minutes} মিনিট কাজ করবে। আপনি না হলে কিছুই করতে হবে না: আপনার অ্যাকাউন্ট আগের মতোই আছে।",
    ),
    reset_password=Letter(
        subject="StormCom-এর জন্য নতুন পাসওয়ার্ড দিন",
        says="আপনি নতুন পাসওয়ার্ড চেয়েছেন।",
        follow="নতুন পাসওয়ার্ড দিন",
        ends="লিংকটি {minutes} মিনিট এবং একবারই কাজ করবে। আপনি না চেয়ে থাকলে কিছুই করতে হবে না: পাসওয়ার্ড আগেরটিই আছে।",
    ),
    password_changed=Letter(
        subject="আপনার StormCom পাসওয়ার্ড বদলানো হয়েছে",
        says="এইমাত্র আপনার পাসওয়ার্ড বদলানো হয়েছে, এবং অন্য সব ব্রাউজার থেকে সাইন আউট করা হয়েছে।",
        ends="আপনি না করে থাকলে এখনই নতুন পাসওয়ার্ড দিন: সাইন ইনের পাতায় “পাসওয়ার্ড ভুলে গেছি” বেছে নিন।",
    ),
    second_factor_changed=Letter(
        subject="StormCom-এ আপনার সাইন ইনের পদ্ধতি বদলানো হয়েছে",
        says="এইমাত্র আপনার অ্যাকাউন্টের অথেনটিকেটর অ্যাপ বা রিকভারি কোড বদলানো হয়েছে, এবং অন্য সব ব্রাউজার থেকে সাইন আউট করা হয়েছে।",
        ends="আপনি না করে থাকলে এখনই নতুন পাসওয়ার্ড দিন: সাইন ইনের পাতায় “পাসওয়ার্ড ভুলে গেছি” বেছে নিন।",
    ),
    recovery_code_used=Letter(
        subject="আপনার StormCom অ্যাকাউন্টের একটি রিকভারি কোড ব্যবহার করা হয়েছে",
        says="এইমাত্র কেউ একটি রিকভারি কোড দিয়ে নিজেকে আপনি বলে প্রমাণ করেছেন। আপনার আর {left}টি কোড বাকি আছে।",
        ends="আপনি না করে থাকলে এখনই নতুন পাসওয়ার্ড দিন এবং নতুন রিকভারি কোড তৈরি করুন।",
    ),
)


def in_language_of(locale: str) -> Words:
    """Return the words of a locale: Bengali for `bn` in any country, English for every other."""
    return BENGALI if locale.partition("-")[0] == "bn" else ENGLISH
