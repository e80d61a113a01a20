import subprocess
import sys

import secateur.recipes as recipes


def test_all_names_are_there_and_sorted() -> None:
    assert list(recipes.__all__) == sorted(recipes.__all__)
    assert all(hasattr(recipes, name) for name in recipes.__all__)


def test_recipes_import_neither_torch_nor_transformers() -> None:
    code = "import sys, secateur.recipes; print({'torch', 'transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
