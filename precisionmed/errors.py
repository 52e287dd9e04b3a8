"""What can go wrong, in the user's words.

Anything the user can mend is an `InputError`: one line that names the file, column, sample or
gene, and the fix. The command line turns it into exit code 2 without a traceback. Odd but legal
input is told with `warn`, which also keeps the sentence for the report.
"""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

_ABBREVIATIONS = {
    "os": "overall survival",
    "rfs": "relapse free survival",
    "dfs": "disease free survival",
    "dss": "disease specific survival",
    "pfs": "progression free survival",
    "efs": "event free survival",
    "dmfs": "distant metastasis free survival",
    "drfs": "distant relapse free survival",
    "dfi": "disease free interval",
    "pfi": "progression free interval",
    "recurrence": "relapse",
    "fu": "follow up",
    "followup": "follow up",
    "dx": "diagnosis",
    "mo": "months",
    "mos": "months",
    "month": "months",
    "yr": "years",
    "yrs": "years",
    "year": "years",
    "day": "days",
    "chemo": "chemotherapy",
    "gender": "sex",
    "centre": "center",
    "tumour": "tumor",
    "oestrogen": "estrogen",
    "er": "estrogen receptor",
    "pr": "progesterone receptor",
    "pgr": "progesterone receptor",
    "erbb2": "her2",
    "pct": "percent",
}
_GLUED = re.compile(
    r"^(os|rfs|dfs|dss|pfs|efs|dmfs|drfs|dfi|pfi|fu)"
    r"(time|event|status|stat|days?|months?|years?|censor\w*)$"
)
_ALIKE = 0.65
_AS_GOOD = 0.15


class InputError(ValueError):
    """The input is at fault; the message says what and how to mend it."""


class CombinedInputError(InputError):
    """Several things are at fault at once; each has its own line.

    Attributes
    ----------
    messages
        One line each.
    """

    def __init__(self, messages: list[str]) -> None:
        super().__init__(" | ".join(messages))
        self.messages = messages


class Findings:
    """Everything that is wrong with an input, to be told together.

    Attributes
    ----------
    messages
        One line each, in the order they were found.
    """

    def __init__(self) -> None:
        self.messages: list[str] = []

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep what an `InputError` of the body says, and go on after it."""
        try:
            yield
        except InputError as error:
            self.messages += [m for m in messages_of(error) if m not in self.messages]

    def raise_any(self) -> None:
        """Raise what was found, if anything was.

        Raises
        ------
        InputError
            Something was found.
        """
        if len(self.messages) == 1:
            raise InputError(self.messages[0])
        if self.messages:
            raise CombinedInputError(self.messages)


def messages_of(error: InputError) -> list[str]:
    """Return the lines of an error."""
    return error.messages if isinstance(error, CombinedInputError) else [str(error)]


class PrecisionMedWarning(UserWarning):
    """Odd but legal input; the message says what was done about it."""


def warn(message: str, notes: list[str] | None = None) -> None:
    """Issue a `PrecisionMedWarning` and append its text to `notes` (kept for the report)."""
    if notes is not None:
        notes.append(message)
    warnings.warn(message, PrecisionMedWarning, stacklevel=3)


def nearest(word: str, options: Iterable[str], n: int = 3) -> str:
    """Return `" Did you mean 'a' or 'b'?"`, or all options when few, or an empty string.

    Names are compared by their words, whatever their order, case and punctuation, with abbreviations written
    out (`OS months` is near `Overall Survival (Months)`), and letter by letter for typing errors.
    """
    names = list(dict.fromkeys(str(option) for option in options))
    scored = sorted(((_likeness(str(word), name), name) for name in names), key=lambda pair: -pair[0])
    best = scored[0][0] if scored else 0.0
    close = [name for score, name in scored[:n] if score >= max(_ALIKE, best - _AS_GOOD)]
    if close:
        return " Did you mean " + " or ".join(repr(name) for name in close) + "?"
    if 0 < len(names) <= 12:
        return " There are: " + ", ".join(names) + "."
    return ""


def split_words(name: str) -> list[str]:
    """Return the words of a name in lower case: `OS.time`, `osTime` and `OS_TIME` are `os time`."""
    parts = re.sub(
        r"(?<=[a-z]{2})(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})|(?<=[a-z]\d)(?=[A-Z][a-z])", " ", name
    ).replace("%", " percent ")
    words = re.findall(r"[^\W_]+", parts.lower())
    return [part for word in words for part in _GLUED.sub(r"\1 \2", word).split()]


def _likeness(word: str, option: str) -> float:
    """Return how alike two names are, from 0 to 1 (the same words)."""
    a, b = split_words(word), split_words(option)
    letters = difflib.SequenceMatcher(None, "".join(a), "".join(b)).ratio()
    a, b = _written_out(a), _written_out(b)
    if not a or not b:
        return letters
    found, covered = _share_found(a, b), _share_found(b, a)
    return max(letters, found * (0.75 + 0.25 * covered))


def _written_out(words: list[str]) -> list[str]:
    return [part for word in words for part in _ABBREVIATIONS.get(word, word).split()]


def _share_found(words: list[str], among: list[str]) -> float:
    """Return the share of the words, weighted by length, that are (nearly) among the others."""
    total = sum(map(len, words))
    found = sum(len(word) for word in words if any(_same_word(word, other) for other in among))
    return found / total


def _same_word(a: str, b: str) -> bool:
    if a == b or (min(len(a), len(b)) >= 4 and (a.startswith(b) or b.startswith(a))):
        return True
    return min(len(a), len(b)) >= 4 and difflib.SequenceMatcher(None, a, b).ratio() >= 0.8


def first_few(names: Iterable[str], n: int = 5) -> str:
    """Return the first `n` names for a message, e.g. `"a, b, c (+7 more)"`."""
    listed = [str(name) for name in names]
    more = f" (+{len(listed) - n} more)" if len(listed) > n else ""
    return ", ".join(listed[:n]) + more


def one_line(text: object, limit: int = 200) -> str:
    """Return a foreign text for a message: no line ends or control characters, no longer than a line."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)[: 4 * limit]).split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
