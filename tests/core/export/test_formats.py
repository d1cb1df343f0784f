"""Which formats there are, and what is said where one cannot be written."""

import json
from importlib import util
from pathlib import Path

import pytest

from core.errors import UserError
from core.export import formats
from core.export.formats import CHOICES, FORMATS, get_format, ready_format
from tests.core.conftest import run_command

ROOT = Path(__file__).resolve().parents[3]
NAMES = ("keras", "onnx", "tflite", "tflite-int8", "savedmodel")


@pytest.fixture
def without_runtimes(monkeypatch) -> None:
    """As it is with requirements.txt alone."""
    extra = {"onnx", "tf2onnx", "onnxruntime", "ai_edge_litert"}
    monkeypatch.setattr(
        formats, "find_spec", lambda module: None if module in extra else util.find_spec(module)
    )


def test_the_contract_s_formats_are_there() -> None:
    assert tuple(FORMATS) == NAMES
    assert tuple(CHOICES) == (*NAMES, "script", "bundle")


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(UserError, match="no export format 'coreml'; choose one of keras, onnx"):
        get_format("coreml")


@pytest.mark.parametrize(
    ("name", "packages"),
    [
        ("onnx", "onnx, tf2onnx and onnxruntime"),
        ("tflite", "ai-edge-litert"),
        ("tflite-int8", "ai-edge-litert"),
    ],
)
def test_without_a_runtime_a_sentence_says_what_to_install(
    without_runtimes, home, tmp_path, name: str, packages: str
) -> None:
    with pytest.raises(UserError, match=packages):
        ready_format(name)
    out = tmp_path / "model"
    code, said, error = run_command("export", home.run_id, "--format", name, "--out", str(out))
    assert (code, said) == (2, "")
    assert error.startswith("convdeck: ") and error.count("\n") == 1
    assert "not installed" in error and "pip install -r requirements-export.txt" in error
    assert list(tmp_path.iterdir()) == []


def test_keras_and_savedmodel_need_nothing_more(without_runtimes) -> None:
    assert ready_format("keras").missing == ready_format("savedmodel").missing == ()


def test_the_extra_requirements_bring_every_package() -> None:
    brought = (ROOT / "requirements-export.txt").read_text()
    for each in FORMATS.values():
        for package, _ in each.packages:
            assert f"\n{package}==" in brought


def test_nothing_of_it_is_loaded_by_what_the_server_imports() -> None:
    import subprocess
    import sys

    program = (
        "import sys, json, core.api.routes, core.inspection.run_export, core.inspection.run_script, core.cli\n"
        "print(json.dumps(sorted({'keras', 'tensorflow', 'onnx', 'onnxruntime', 'ai_edge_litert', 'tf2onnx'} & "
        "set(sys.modules))))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout or "null")) == (0, []), done.stderr
