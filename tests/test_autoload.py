import subprocess
import sys

import pytest

CASES = {
    "secateur first": "import secateur, transformers.quantizers.auto as tables",
    "transformers first": "import transformers.quantizers.auto as tables, secateur",
    "secateur twice": "import secateur; secateur.autoload.install(); import transformers.quantizers.auto as tables",
}


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("imports", CASES.values(), ids=CASES)
def test_the_rows_are_there_whoever_imports_first(imports: str) -> None:
    check = "print('secateur' in tables.AUTO_QUANTIZER_MAPPING, 'secateur' in tables.AUTO_QUANTIZATION_CONFIG_MAPPING)"
    assert run(f"{imports}; {check}") == "True True"


def test_importing_secateur_imports_neither_torch_nor_transformers() -> None:
    assert run("import secateur, sys; print({'torch', 'transformers'} & set(sys.modules))") == "set()"
