"""Which passwords are taken: OWASP ASVS 5.0 V6.2.

Length alone counts, and that nobody guesses it: at least twelve characters, any of Unicode, exactly as they were typed;
no rule says which kinds must be there, and none expires. Refused are what is known from breaches or easy to guess, and
what has a word in it that everybody knows who knows the person: of the operator's name, of his own, of his address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from domain.refusal import BadValue, LimitExceeded

PASSWORD_MIN: Final = 12
PASSWORD_MAX: Final = 1000
WORD_MIN: Final = 5
_WORD: Final = re.compile(r"[^\W\d_]+")


def check_form(password: str, *, field: str) -> None:
    """Check the length before anything is computed of it. Refuses with: BadValue, LimitExceeded."""
    if len(password) > PASSWORD_MAX:
        raise LimitExceeded("a password has at most {most} characters", most=PASSWORD_MAX, field=field)
    if len(password) < PASSWORD_MIN:
        raise BadValue("a password has at least {least} characters", least=PASSWORD_MIN, field=field)
    if any(unicodedata.category(one) == "Cs" for one in password):
        raise BadValue("a password is text", field=field)


def check_words(password: str, words: Iterable[str], *, field: str) -> None:
    """Check that no word is in it that everybody knows of him. Refuses with: BadValue."""
    plain = password.casefold()
    for word in words:
        if word in plain:
            raise BadValue("a password may not hold {word}: it is known of you", word=word, field=field)


def words_of(*texts: str) -> tuple[str, ...]:
    """Return the words of names and addresses that are long enough to be told apart.

    >>> words_of("Lingonbergs Telefon AB", "anna.berg@telia.example")
    ('example', 'lingonbergs', 'telefon', 'telia')
    """
    return tuple(sorted({word.casefold() for text in texts for word in _WORD.findall(text) if len(word) >= WORD_MIN}))
