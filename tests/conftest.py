"""Settings of all tests."""

from hypothesis import settings

# The same examples in every run: a red test means a change, not luck.
settings.register_profile("fixed", derandomize=True)
settings.load_profile("fixed")
