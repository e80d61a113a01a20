"""Every test draws the same numbers in every run, its fixtures included."""

import torch


def pytest_runtest_setup() -> None:
    """Seed torch before the first fixture of a test; models and inputs that nothing else seeds follow from it."""
    torch.manual_seed(0)
