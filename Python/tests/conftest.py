import os
from pathlib import Path

import pytest

# The repository: named where an installed package is tried from elsewhere.
ROOT = Path(os.environ.get("LOWRANK_TEST_ROOT", Path(__file__).parents[2]))


@pytest.fixture
def example() -> Path:
    """The network of the demo."""
    return ROOT / "Examples" / "mnist" / "mnist.onnx"


@pytest.fixture
def vectors() -> Path:
    """The folder of models and answers that the Swift tests use."""
    return ROOT / "Tests" / "Vectors"
