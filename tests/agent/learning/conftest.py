"""The small trained model of the classifier's tests."""

from tests.classifier.conftest import small_rows, small_training

__all__ = ["small_rows", "small_training"]
