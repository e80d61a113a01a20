import pytest

from secateur.cli.cat import cat
from secateur.errors import RequestError
from secateur.recipes.shipped import shipped, sweeps

FILES = shipped() | sweeps()


@pytest.mark.parametrize("name", FILES)
def test_cat_prints_the_file_as_it_is(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    cat(name)
    assert capsys.readouterr().out == FILES[name].read_text(encoding="utf-8")


def test_cat_refuses_what_is_not_shipped() -> None:
    with pytest.raises(RequestError, match="did you mean prune-half"):
        cat("prune-hal")
