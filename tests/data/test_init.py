import secateur.data


def test_every_public_name_is_there() -> None:
    assert all(hasattr(secateur.data, name) for name in secateur.data.__all__)
    assert sorted(secateur.data.__all__) == secateur.data.__all__
