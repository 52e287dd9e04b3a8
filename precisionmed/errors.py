"""What can go wrong, in the user's words.

Anything the user can mend is an `InputError`: one line that names the file, column, sample or
gene, and the fix. The command line turns it into exit code 2 without a traceback. Odd but legal
input is told with `warn`, which also keeps the sentence for the report.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable


class InputError(ValueError):
    """The input is at fault; the message says what and how to mend it."""


class PrecisionMedWarning(UserWarning):
    """Odd but legal input; the message says what was done about it."""


def warn(message: str, notes: list[str] | None = None) -> None:
    """Issue a `PrecisionMedWarning` and append its text to `notes` (kept for the report)."""
    if notes is not None:
        notes.append(message)
    warnings.warn(message, PrecisionMedWarning, stacklevel=3)


def nearest(word: str, options: Iterable[str], n: int = 3) -> str:
    """Return `" Did you mean 'a' or 'b'?"`, or all options when few, or an empty string."""
    names = [str(option) for option in options]
    lower = {name.lower(): name for name in names}
    close = [lower[m] for m in difflib.get_close_matches(str(word).lower(), list(lower), n=n, cutoff=0.5)]
    if close:
        return " Did you mean " + " or ".join(repr(name) for name in close) + "?"
    if 0 < len(names) <= 12:
        return " There are: " + ", ".join(names) + "."
    return ""


def first_few(names: Iterable[str], n: int = 5) -> str:
    """Return the first `n` names for a message, e.g. `"a, b, c (+7 more)"`."""
    listed = [str(name) for name in names]
    more = f" (+{len(listed) - n} more)" if len(listed) > n else ""
    return ", ".join(listed[:n]) + more
