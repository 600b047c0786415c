"""The parts of verify-health."""
