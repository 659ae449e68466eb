"""`python -m signtalk` is the command line."""

from signtalk.cli import main

main()
