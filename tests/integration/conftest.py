"""Fixtures of all integration tests."""

from tests.integration.cloud import cloud

__all__ = ["cloud"]
