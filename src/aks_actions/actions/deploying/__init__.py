"""The parts of a deploy's phases; their order is in `actions/deploy.py`."""
