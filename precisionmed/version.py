"""The version of the package: of what it writes and of what made a file."""

__version__ = "0.1.0"
