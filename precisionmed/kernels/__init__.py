"""See docs/development.md."""
