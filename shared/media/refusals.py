"""Why a file is not shown: the code that its row keeps, and the sentence that its merchant reads."""

from enum import StrEnum


class Refusal(StrEnum):
    """What is wrong with a file, or with where it was to come from."""

    NOT_A_PICTURE = "not_a_picture"
    UNSUPPORTED_TYPE = "unsupported_type"
    TYPE_MISMATCH = "type_mismatch"
    TOO_LARGE = "too_large"
    TOO_SMALL = "too_small"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_FRAMES = "too_many_frames"
    UNPACKS_TO_TOO_MUCH = "unpacks_to_too_much"
    MORE_THAN_A_PICTURE = "more_than_a_picture"
    TRUNCATED = "truncated"
    BROKEN = "broken"
    TOO_COSTLY = "too_costly"
    NEVER_UPLOADED = "never_uploaded"
    LOST = "lost"


_SENTENCES = {
    Refusal.NOT_A_PICTURE: "The file is no picture.",
    Refusal.UNSUPPORTED_TYPE: "Pictures are taken as JPEG, PNG, WebP, GIF or AVIF; save this one as one of them.",
    Refusal.TYPE_MISMATCH: "The file is another kind of picture than was announced.",
    Refusal.TOO_LARGE: "The file has more bytes than a picture may have.",
    Refusal.TOO_SMALL: "The picture is smaller than 16 pixels.",
    Refusal.TOO_MANY_PIXELS: "The picture has too many pixels: 64 million, and 20,000 a side, are the most.",
    Refusal.TOO_MANY_FRAMES: "The animation has too many frames; 300 are the most.",
    Refusal.UNPACKS_TO_TOO_MUCH: "The file unpacks to far more than a picture needs.",
    Refusal.MORE_THAN_A_PICTURE: "The file holds something besides the picture; save the picture alone.",
    Refusal.TRUNCATED: "The file breaks off before the picture's end.",
    Refusal.BROKEN: "The picture cannot be decoded.",
    Refusal.TOO_COSTLY: "The picture took more memory or time than one may.",
    Refusal.NEVER_UPLOADED: "The file was never uploaded.",
    Refusal.LOST: "Our own work on the picture failed again and again.",
}
# What `outside.Unreachable` says of a picture that lies elsewhere.
_ELSEWHERE = {
    "invalid_url": "The address is none that could be asked.",
    "forbidden_address": "The address does not lead to a server on the internet.",
    "unresolvable": "The server's name leads nowhere.",
    "timeout": "The server took too long to answer.",
    "unreachable": "The server could not be reached.",
    "broken_off": "The server broke off in the middle of the file.",
    "server_error": "The server answered that something is wrong with itself.",
    "not_found": "The server has nothing at the address.",
    "denied": "The server does not give the file out.",
    "too_many_redirects": "The address leads on and on.",
    "invalid_redirect": "The address leads on to none.",
    "wrong_type": "What lies at the address is no picture.",
    "encoded": "The server sent the file compressed, though it was asked not to.",
}


class PictureRefused(Exception):
    """A file is no picture that we take."""

    def __init__(self, reason: Refusal) -> None:
        """See the class."""
        super().__init__(reason.value)
        self.reason = reason


def sentence(code: str) -> str:
    """Return what a merchant reads for a code that a row keeps."""
    if code in _ELSEWHERE:
        return _ELSEWHERE[code]
    return _SENTENCES[Refusal(code)] if code in Refusal else "The picture cannot be shown."
