"""`python -m signtalk` is the command line."""

from signtalk.cli.main import main

main()
