import secateur.decoding


def test_transcribe_is_there() -> None:
    assert secateur.decoding.__all__ == ["transcribe"]
    assert callable(secateur.decoding.transcribe)
