"""``python -m trainers`` is the command ``lpo``."""

from trainers.cli import main

main()
