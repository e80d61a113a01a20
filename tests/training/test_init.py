import secateur.training


def test_every_public_name_is_there() -> None:
    assert all(hasattr(secateur.training, name) for name in secateur.training.__all__)
