"""Words: how a text becomes what it is found by, in Bengali, in English, and in Bengali written with Latin letters.

The same steps run over what a merchant wrote and over what a shopper typed, here and nowhere else: PostgreSQL's parser
splits Bengali at its vowel signs or not, as the server's locale has it, and knows no stems of it. It gets lexemes that
are ready, as the text form of a tsvector, and compares them.

Each word is kept in two forms. Its stem, in its own script: শার্টের is found by শার্ট, and "shirts" by "shirt". And its
sound, prefixed with `~`: one key for what is written alike by ear, so that শাড়ী, শাড়ি, "sari" and "shari" meet.
A title's words stand once more with `^`, by their sounds, so that an index alone finds them where a word is common;
whole codes such as SKUs stand with `#`, without their punctuation.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

LONGEST_WORD = 40  # characters; what is longer is cut, and still found by its beginning
_MOST_OF_DESCRIPTION = 300  # words; the rest of a novel tells nobody what the thing is
_LONGEST_DESCRIPTION = 20_000  # characters that are looked at for them
_LONGEST_NAME = 1_000
_SHORTEST_LEARNT = 3  # letters: below, every word is like every other

TITLE, SOUND, CODE = "^", "~", "#"  # prefixes of lexemes; no word begins with one

# Letters of India's scripts need their signs, which are no letters to `\w`; signs of money among them are none.
_LETTER = r"(?:[^\W_]|[\u0900-\u0963\u0966-\u096f\u0971-\u09f1\u09f4-\u09fa\u09fc\u09fe-\u0dff\u064b-\u065f])"
_WORD = re.compile(f"{_LETTER}+")
_CHUNK = re.compile(rf"{_LETTER}(?:[^\s]*{_LETTER})?")
_PIECE = re.compile(r"\d+|\D+")
_TAG = re.compile(r"<(?:script|style)\b.*?</(?:script|style)\s*>|<!--.*?-->|</?[a-z][^<>]*>", re.IGNORECASE | re.DOTALL)

_DIGITS = {zero + value: str(value) for zero in (0x0660, 0x06F0, 0x0966, 0x09E6) for value in range(10)}
_DROPPED = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF, 0xFE0E, 0xFE0F, 0x0, 0x27))
_DROPPED |= dict.fromkeys((0x2019, 0x02BC, 0x0981))  # apostrophes; and চাঁদ is written চাদ by half of those who type
_ALIKE = {0x09F0: "র", 0x09F1: "ব"}
_TABLE = {**_DIGITS, **_DROPPED, **_ALIKE}
_ACCENTS = re.compile("[\u0300-\u036f]+")


class FoundBy(NamedTuple):
    """What a product is found by."""

    words: str  # its learnable words, each once, with spaces between
    search: str  # the text form of a tsvector: title A, names and codes B, description D


def normalized(text: str) -> str:
    """Return a text as it is compared: compatibility forms folded, lower case, ASCII digits, without accents.

    Letters with a dot that have a code point of their own (য়, ড়, ঢ়) come out like those that are put together.
    """
    text = unicodedata.normalize("NFKC", text).casefold().translate(_TABLE)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))
    return text


def words_in(text: str) -> list[str]:
    """Return the words of a text, normalized, in order; at most 40 characters each."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(normalized(text))]


def chunks_in(text: str) -> list[list[str]]:
    """Return what spaces part, each as the words that it is made of: "iPhone15 T-shirt" is iphone 15, t shirt.

    Digits and letters part, since nobody agrees whether to write a space between them. Joined again they are the chunk.
    """
    return [
        [piece[:LONGEST_WORD] for word in _WORD.findall(chunk) for piece in _PIECE.findall(word)]
        for chunk in _CHUNK.findall(normalized(text))
    ]


def code_of(text: str) -> str:
    """Return a SKU, a barcode or what may be one without spaces and punctuation; empty where nothing is left."""
    return "".join(_WORD.findall(normalized(text)))[:LONGEST_WORD]


@lru_cache(maxsize=32_768)
def stem(word: str) -> str:
    """Return a normalized word without the endings that say how many or whose.

    Light on purpose: it may bring two words together that share a root, and loses none that shoppers tell apart.
    """
    if word.isascii():
        return _without_plural(word)
    for ending, shortest in _BENGALI_ENDINGS:
        root = ending.sub("", word)
        if root != word and len(_SIGN.sub("", root)) >= shortest:
            return root
    return word


@lru_cache(maxsize=32_768)
def sound(word: str) -> str:
    """Return how a normalized word sounds, roughly, in ASCII; empty for numbers, and for other scripts than these two.

    The sibilants শ ষ স are one, as are ন ণ, long and short vowels, aspirated and plain consonants; a final silent e,
    doubled letters and an English plural go.
    """
    heard = _without_plural(word) if word.isascii() else _romanized(word)
    if not heard.isascii() or heard.isdecimal():
        return ""
    for pattern, simpler in _SOUNDS_ALIKE:
        heard = pattern.sub(simpler, heard)
    return heard


def is_learnable(word: str) -> bool:
    """Tell whether a misspelt search may be led to this word: letters alone, and three of them or more."""
    return len(word) >= _SHORTEST_LEARNT and not any(letter.isdecimal() for letter in word) and bool(sound(word))


def found_by(*, title: str, names: Iterable[str] = (), codes: Iterable[str] = (), description: str = "") -> FoundBy:
    """Return what a product is found by.

    `names` are what it is called after: brand, vendor, type, categories, labels, tags, choices and options. `codes` are
    SKUs and barcodes of its variants. `description` may be HTML. Pure; 0.1 ms a product.
    """
    vector = _Vector()
    learnt: dict[str, None] = {}
    for text, weight in ((title, "A"), *((name, "B") for name in names)):
        for chunk in chunks_in(text[:_LONGEST_NAME]):
            for word in spellings(chunk):
                vector.add_word(word, weight)
                if is_learnable(word):
                    learnt[word] = None
    for code in codes:
        vector.add(CODE + code_of(code), "B")
        for chunk in chunks_in(code[:_LONGEST_NAME]):
            for word in spellings(chunk):
                vector.add(stem(word), "B")
    for word in words_in(plain(description))[:_MOST_OF_DESCRIPTION]:
        vector.add(stem(word), "D")
    return FoundBy(" ".join(learnt), vector.text())


def spellings(chunk: Sequence[str]) -> list[str]:
    """Return a chunk's pieces, and the whole where they are several."""
    return [*chunk, "".join(chunk)[:LONGEST_WORD]] if len(chunk) > 1 else list(chunk)


def plain(markup: str) -> str:
    """Return the text of a merchant's HTML, to be searched and never shown."""
    if "<" not in markup and "&" not in markup:
        return markup[:_LONGEST_DESCRIPTION]
    return html.unescape(_TAG.sub(" ", markup[: 2 * _LONGEST_DESCRIPTION]))[:_LONGEST_DESCRIPTION]


class _Vector:
    """A tsvector in the making: each lexeme once, with the best weight that it has."""

    def __init__(self) -> None:
        self._weights: dict[str, str] = {}

    def add_word(self, word: str, weight: str) -> None:
        """Add a word by its stem and its sound, and a title's for the index alone."""
        root = stem(word)
        self.add(root, weight)
        self.add(SOUND + sound(word), weight)
        if weight == "A":
            self.add(TITLE + (sound(word) or root), weight)

    def add(self, lexeme: str, weight: str) -> None:
        """Add a lexeme of letters and digits, maybe with one of the prefixes."""
        if lexeme.lstrip(TITLE + SOUND + CODE):
            self._weights[lexeme] = min(weight, self._weights.get(lexeme, weight))

    def text(self) -> str:
        """Return the text form. Nothing has to be escaped: a word holds letters, signs and digits alone."""
        return " ".join(f"'{lexeme}':1{weight}" for lexeme, weight in self._weights.items())


_SIGN = re.compile("[\u09bc-\u09cd\u0982\u0983]")  # of a vowel, a missing one, a nasal: no letter of its own
_BENGALI_ENDINGS = (  # and how many letters have to stay
    (re.compile("(?:গুলোর|গুলির|গুলো|গুলি|সমূহ|দের|\u09c7র)$"), 2),
    (re.compile("(?:টির|টার|টি|টা)$"), 3),
    (re.compile("(?<=[\u09be-\u09c2\u09cb])র$"), 2),
)
_SHORTEST_PLURAL = 4


def _without_plural(word: str) -> str:
    """Take the plural off, as Harman's S-stemmer does, which spares the words that a longer one would hurt."""
    if len(word) < _SHORTEST_PLURAL or word[-1] != "s" or word[-2] in "us":
        return word
    if word.endswith("ies") and not word.endswith(("eies", "aies")):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes")):
        return word[:-2]
    return word[:-1]


def _pairs(letters: str, said: str) -> dict[str, str]:
    return dict(zip(letters, said.split(), strict=True))


_CONSONANTS = _pairs(
    "কখগঘঙচছজঝঞটঠডঢণতথদধনপফবভমযরলশষসহৎYW",
    "k k g g ng ch ch j j n t t d d n t t d d n p f b b m j r l s s s h t y w",
)
_VOWELS = _pairs("অআইঈউঊঋএঐওঔ", "o a i i u u ri e oi o ou")
_SIGNS = _pairs("\u09be\u09bf\u09c0\u09c1\u09c2\u09c3\u09c7\u09c8\u09cb\u09cc", "a i i u u ri e oi o ou")
_NASAL = "\u0982"
_JOINED = (  # groups that are not said as they are written; Y and W stand for sounds that have no letter
    (re.compile("ক\u09cdষ"), "ক"),
    (re.compile("জ\u09cdঞ"), "গ"),
    (re.compile("\u09cdয(?!\u09bc)"), ""),  # ya-phala: ব্যাগ is bag
    (re.compile("(?<=[সশদধতজহ])\u09cdব"), ""),  # ba-phala: স্বাদ is sad
    (re.compile("[ডঢ]\u09bc"), "র"),
    (re.compile("ওয\u09bc"), "W"),
    (re.compile("য\u09bc"), "Y"),
    (re.compile("\u0983"), ""),
)


def _romanized(word: str) -> str:
    """Write Bengali with Latin letters, with the o that is said after a consonant and not written.

    It is said before another consonant or a vowel, at the end it is not; nor where জামদানি has it, between a syllable
    with a vowel of its own and another one.
    """
    for pattern, simpler in _JOINED:
        word = pattern.sub(simpler, word)
    said: list[str] = []
    for place, letter in enumerate(word):
        if letter not in _CONSONANTS:
            said.append(_VOWELS.get(letter) or _SIGNS.get(letter) or _UNVOWELED.get(letter, letter))
            continue
        said.append(_CONSONANTS[letter])
        before, after, behind = word[place - 1 : place], word[place + 1 : place + 2], word[place + 2 : place + 3]
        between = (before in _SIGNS or before in _VOWELS) and after in _CONSONANTS and behind in _SIGNS
        if (after in _CONSONANTS or after in _VOWELS) and not between and letter != "Y":
            said.append("o")
    return "".join(said)


_UNVOWELED = {"\u09cd": "", _NASAL: "ng"}
_SOUNDS_ALIKE = tuple(
    (re.compile(pattern), simpler)
    for pattern, simpler in (
        ("ph", "f"),
        ("igh", "i"),
        ("tch|chh|ch", "C"),
        ("sh", "s"),
        ("([kgjtdb])h", r"\1"),
        ("ck|q", "k"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("C", "c"),
        ("x", "ks"),
        ("[zj]", "j"),
        ("v", "b"),
        ("ea", "e"),
        ("ai|ee|ie|y", "i"),
        ("oo|ou", "u"),
        ("(?<=..[^aeiou])e$", ""),
        (r"([a-z])\1+", r"\1"),
    )
)
