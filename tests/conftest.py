"""Every test draws the same numbers in every run, its fixtures included, and none asks a network."""

import os

import torch

os.environ["HF_HUB_OFFLINE"] = "1"


def pytest_runtest_setup() -> None:
    """Seed torch before the first fixture of a test; models and inputs that nothing else seeds follow from it."""
    torch.manual_seed(0)
