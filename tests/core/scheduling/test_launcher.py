import sys
from dataclasses import replace

import pytest

from core.scheduling.launcher import Exit, LocalLauncher, worker_environment
from core.store.records import Run, RunRequest
from core.store.store import Store
from tests.core.scheduling.fakes import CONFIG, cpu, gpu


@pytest.fixture
def run(workspace) -> Run:
    with Store(workspace) as store:
        return store.queue_run(RunRequest(CONFIG))


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ([cpu(1)], ("cpu:1", "2", "-1")),
        ([gpu(3)], ("gpu:3", "8", "3")),
        ([gpu(2), gpu(0)], ("gpu:2,gpu:0", "16", "2,0")),
        (
            [replace(gpu(2), uuid="GPU-c"), replace(gpu(0), uuid="MIG-a")],
            ("gpu:2,gpu:0", "16", "GPU-c,MIG-a"),
        ),
        ([replace(gpu(2), uuid="GPU-c"), gpu(0)], ("gpu:2,gpu:0", "16", "2,0")),
    ],
)
def test_environment(workspace, devices, expected):
    found = worker_environment(workspace, devices, {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "0,1,2,3"})
    device, threads, visible = expected
    assert found == {
        "PATH": "/bin", "CONVDECK_HOME": str(workspace.root), "CONVDECK_DEVICE": device, "CONVDECK_THREADS": threads,
        "CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": visible, "TF_CPP_MIN_LOG_LEVEL": "2",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def test_a_worker_gets_its_arguments_and_writes_its_log(workspace, run, wait_for):
    launcher = LocalLauncher(
        workspace, (sys.executable, "-c", "import sys; print(sys.argv[1:]); sys.exit(3)")
    )
    worker = launcher.launch(run, [cpu()])
    assert wait_for(worker.poll) == Exit(3, f"['{run.id}', '--attempt', '1']")
    assert worker.poll() == Exit(3, f"['{run.id}', '--attempt', '1']")
    worker.signal("kill")  # gone already


def test_a_command_that_does_not_exist(workspace, run):
    with pytest.raises(FileNotFoundError):
        LocalLauncher(workspace, ("/no/such/program",)).launch(run, [cpu()])
