"""Pretrained backbones that packages contain; tests are skipped where they are not."""

import pytest

from studies import real


@pytest.fixture(scope="session", params=["ViT-S", "MiniLM", "rxnfp"])
def backbone(request):
    """Name of a backbone with its pretrained weights, on 16 tokens."""
    try:
        return f"{real.BACKBONES[request.param]()}?max_tokens=16"
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
