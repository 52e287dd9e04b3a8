"""Compiled inner loops: arrays in, arrays out. See docs/development.md."""

from precisionmed.caches import make_caches_writable

make_caches_writable()
