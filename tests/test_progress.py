import io
import sys

import pytest

from precisionmed.progress import progress_bar


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(_Terminal, True), (io.StringIO, False)])
def test_a_bar_is_shown_to_people_only(monkeypatch, stream, shown):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream())
    with progress_bar("cohorts") as tick:
        tick(1, 4)
        tick(4, 4)
    assert ("cohorts" in sys.stderr.getvalue()) == shown


def test_an_error_passes_through():
    with pytest.raises(KeyboardInterrupt), progress_bar("cohorts") as tick:
        tick(1, 2)
        raise KeyboardInterrupt
