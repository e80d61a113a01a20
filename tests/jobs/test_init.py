import secateur.jobs


def test_the_folder_says_what_it_is() -> None:
    assert secateur.jobs.__doc__
