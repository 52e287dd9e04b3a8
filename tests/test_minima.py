"""The documentation says what the steps need."""

from pathlib import Path

from precisionmed.config.minima import minima_table


def test_the_table_of_the_documentation_is_that_of_the_steps():
    page = Path(__file__).parents[1] / "docs" / "how-to" / "your-own-cohort.md"
    assert minima_table() in page.read_text()
