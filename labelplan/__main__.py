"""`python -m labelplan`."""

from labelplan.cli.main import main

main()
