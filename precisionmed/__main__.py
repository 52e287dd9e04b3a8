"""`python -m precisionmed` is the command line."""

from precisionmed.cli import main

main()
