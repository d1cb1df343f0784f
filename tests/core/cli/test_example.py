"""The example is made anew by the same worker as every run; what fails leaves no file."""

from core.cli import example
from core.design.presets import quick_start
from tests.core.conftest import run_command


def test_a_training_that_fails_is_told_and_leaves_no_file(tmp_path, monkeypatch) -> None:
    config = quick_start("overfit", has_cifar10=False, has_gpu=False)
    monkeypatch.setattr(
        example, "quick_start", lambda *_, **__: config.with_values({"dataset.id": "nowhere"})
    )
    code, _, err = run_command("example", "--out", str(tmp_path / "example.zip"))
    assert code == 1
    assert "There is no data set nowhere here" in err
    assert list(tmp_path.iterdir()) == []
