import secateur.decoding


def test_every_public_name_is_there() -> None:
    assert all(getattr(secateur.decoding, name) is not None for name in secateur.decoding.__all__)
    assert "transcribe" in secateur.decoding.__all__
