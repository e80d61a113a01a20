from secateur.evaluation import bytes_per_second


def test_a_buffer_is_read_in_finite_time() -> None:
    assert 1e6 < bytes_per_second(nbytes=1 << 22) < 1e15
