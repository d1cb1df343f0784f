import sys
from types import SimpleNamespace

import pytest

from core.system.devices import Device, list_devices, num_cores, suited


class FakeNvml:
    """The part of pynvml that is used. `broken` names functions that these GPUs do not know.

    `lost` are GPUs that fell off the bus: each function from `lost_at` on says so.
    """

    NVML_TEMPERATURE_GPU = 0
    NVML_ERROR_GPU_IS_LOST = 15
    NVML_DEVICE_MIG_ENABLE = 1

    class NVMLError(Exception):
        def __init__(self, message, value=3):
            super().__init__(message)
            self.value = value

    def __init__(self, num_gpus=2, driver=True, broken=(), lost=(), lost_at="HandleByIndex", slices=()):
        self.slices = dict(slices)  # of a GPU in MIG mode: which of its seven slots have one
        self.num_gpus, self.driver, self.broken, self.open = num_gpus, driver, broken, 0
        self.lost, self.lost_at = lost, lost_at

    def nvmlInit(self):
        if not self.driver:
            raise self.NVMLError("NVML Shared Library Not Found")
        self.open += 1

    def nvmlShutdown(self):
        self.open -= 1

    def nvmlDeviceGetCount(self):
        return self._read("nvmlDeviceGetCount", self.num_gpus)

    def nvmlDeviceGetHandleByIndex(self, index):
        self._find(index, "HandleByIndex")
        return index

    def nvmlDeviceGetMigMode(self, handle):
        if handle not in self.slices:
            raise self.NVMLError("Not Supported")
        return [1, 1]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, slot):
        if slot not in self.slices[handle]:
            raise self.NVMLError("Not Found", 6)
        return ("slice", handle, slot)

    def nvmlDeviceGetUUID(self, handle):
        if isinstance(handle, tuple):
            return f"MIG-{'abc'[handle[1]]}{handle[2]}"
        self._find(handle, "UUID")
        return f"GPU-{'abc'[handle]}00"

    def nvmlDeviceGetName(self, handle):
        return self._read("nvmlDeviceGetName", b"NVIDIA H200")

    def nvmlDeviceGetMemoryInfo(self, handle):
        if isinstance(handle, tuple):
            return SimpleNamespace(total=18 * 2**30, used=2**30)
        self._find(handle, "MemoryInfo")
        return self._read(
            "nvmlDeviceGetMemoryInfo", SimpleNamespace(total=141 * 2**30, used=(handle + 1) * 2**30)
        )

    def nvmlDeviceGetUtilizationRates(self, handle):
        if isinstance(handle, tuple):
            raise self.NVMLError("Not Supported")
        return self._read("nvmlDeviceGetUtilizationRates", SimpleNamespace(gpu=30))

    def nvmlDeviceGetTemperature(self, handle, sensor):
        if isinstance(handle, tuple):
            raise self.NVMLError("Invalid Argument", 2)
        return self._read("nvmlDeviceGetTemperature", 41)

    def _find(self, index, function):
        if index in self.lost and function == self.lost_at:
            raise self.NVMLError("GPU is lost", 15)

    def _read(self, function, value):
        if function in self.broken:
            raise self.NVMLError("Not Supported")
        return value


def ids(nvml, **environment):
    return [device.id for device in list_devices(nvml, environment).devices]


def test_gpus():
    nvml = FakeNvml()
    report = list_devices(nvml, {})
    threads = max(1, num_cores() // 2)
    assert report.devices == (
        Device("gpu:0", "NVIDIA H200", "gpu", 144_384, 1024, 30.0, 41.0, threads, "GPU-a00"),
        Device("gpu:1", "NVIDIA H200", "gpu", 144_384, 2048, 30.0, 41.0, threads, "GPU-b00"),
    )
    assert (report.note, nvml.open) == (None, 0)


def test_a_gpu_that_knows_less():
    measures = ["Name", "MemoryInfo", "UtilizationRates", "Temperature"]
    nvml = FakeNvml(1, broken=[f"nvmlDeviceGet{measure}" for measure in measures])
    assert list_devices(nvml, {}).devices == (
        Device("gpu:0", "GPU", "gpu", None, None, None, None, num_cores(), "GPU-a00"),
    )


@pytest.mark.parametrize("lost_at", ["HandleByIndex", "UUID", "MemoryInfo"])
def test_a_lost_gpu_leaves_the_others(lost_at):
    report = list_devices(FakeNvml(3, lost=[1], lost_at=lost_at), {})
    assert [(device.id, device.threads) for device in report.devices] == [
        (f"gpu:{index}", max(1, num_cores() // 2)) for index in (0, 2)
    ]
    assert report.note == "GPU 1 cannot be read (GPU is lost) and is left out."
    nvml = FakeNvml(3, lost=[1], lost_at=lost_at)
    assert ids(nvml, CUDA_VISIBLE_DEVICES="2,1") == ["gpu:2"]
    assert list_devices(nvml, {"CUDA_VISIBLE_DEVICES": "0"}).note is None


def test_slices_are_devices_of_their_own():
    report = list_devices(FakeNvml(2, slices={1: [0, 3]}), {})
    threads = max(1, num_cores() // 3)
    assert report.devices == (
        Device("gpu:0", "NVIDIA H200", "gpu", 144_384, 1024, 30.0, 41.0, threads, "GPU-a00"),
        Device("gpu:1:0", "NVIDIA H200", "gpu", 18_432, 1024, None, None, threads, "MIG-b0"),
        Device("gpu:1:3", "NVIDIA H200", "gpu", 18_432, 1024, None, None, threads, "MIG-b3"),
    )
    assert report.present == {"GPU-a00", "GPU-b00", "MIG-b0", "MIG-b3"}
    assert ids(FakeNvml(2, slices={1: [0, 3]}), CUDA_VISIBLE_DEVICES="MIG-b3") == ["gpu:1:3"]
    assert ids(FakeNvml(2, slices={1: [0, 3]}), CUDA_VISIBLE_DEVICES="1") == ["gpu:1:0", "gpu:1:3"]
    assert list_devices(FakeNvml(1, slices={0: []}), {}).note.startswith(
        "Every GPU is in MIG mode and has no slice"
    )
    assert "GPU 1 is in MIG mode and has no slice" in list_devices(FakeNvml(2, slices={1: []}), {}).note


def test_a_run_of_several_gpus_gets_whole_ones_or_one_slice():
    mixed = list_devices(FakeNvml(3, slices={1: [0, 3]}), {}).devices
    chosen, wanted = suited(mixed, 4)
    assert ([each.id for each in chosen], wanted) == (["gpu:0", "gpu:2"], 2)
    assert suited(list_devices(FakeNvml(1, slices={0: [0, 1]}), {}).devices, 2)[1] == 1


def test_which_gpus_are_known_to_be_there():
    assert list_devices(FakeNvml(2), {"CUDA_VISIBLE_DEVICES": "0"}).present == {"GPU-a00", "GPU-b00"}
    lost = list_devices(FakeNvml(2, lost=[1]), {})
    assert (lost.present, lost.lost) == ({"GPU-a00"}, {"gpu:1": "GPU is lost"})
    late = list_devices(FakeNvml(2, lost=[1], lost_at="MemoryInfo"), {})
    assert (late.present, late.lost) == ({"GPU-a00"}, {"GPU-b00": "GPU is lost"})
    assert list_devices(FakeNvml(0), {}).present == frozenset()
    assert list_devices(FakeNvml(driver=False), {}).present is None


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        ("1", ["gpu:1"]), ("1,0", ["gpu:0", "gpu:1"]), (" 2 ", ["gpu:2"]), ("GPU-b", ["gpu:1"]), ("0,7,1", ["gpu:0"]),
        ("-1", ["cpu:0"]), ("", ["cpu:0"]), ("GPU-", ["cpu:0"]),
    ],
)  # fmt: skip
def test_hidden_gpus(visible, found):
    assert ids(FakeNvml(3), CUDA_VISIBLE_DEVICES=visible, CONVDECK_CPU_SLOTS="1") == found


@pytest.mark.parametrize(
    ("nvml", "environment", "note"),
    [
        (FakeNvml(driver=False), {}, "No NVIDIA driver answers (NVML Shared Library Not Found)"),
        (FakeNvml(0), {}, "sees no GPU"),
        (FakeNvml(broken=["nvmlDeviceGetCount"]), {}, "cannot be read (Not Supported)"),
        (FakeNvml(lost=[0, 1]), {}, "cannot be read (GPU is lost)"),
        (
            FakeNvml(lost=[1], lost_at="MemoryInfo"),
            {"CUDA_VISIBLE_DEVICES": "1"},
            "cannot be read (GPU is lost)",
        ),
        (FakeNvml(), {"CUDA_VISIBLE_DEVICES": "-1"}, "CUDA_VISIBLE_DEVICES is '-1' and hides every GPU"),
    ],
)
def test_why_there_is_no_gpu(nvml, environment, note):
    report = list_devices(nvml, environment)
    assert note in report.note
    assert report.note.endswith(": training uses the CPU.")
    assert {device.kind for device in report.devices} == {"cpu"}
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("cores", "asked", "slots", "threads"),
    [
        (2, "", 1, 2),
        (4, "", 1, 4),
        (16, "", 4, 4),
        (2, "3", 3, 1),
        (8, "2", 2, 4),
        (8, "0", 2, 4),
        (8, "many", 2, 4),
    ],
)
def test_cpu_slots(monkeypatch, cores, asked, slots, threads):
    monkeypatch.setattr("core.system.devices.num_cores", lambda: cores)
    devices = list_devices(FakeNvml(0), {"CONVDECK_CPU_SLOTS": asked}).devices
    assert [(device.id, device.threads) for device in devices] == [
        (f"cpu:{i}", threads) for i in range(slots)
    ]


def test_the_cpu_s_use_is_asked_for_once(monkeypatch):
    answers = iter([40.0, 0.0, 0.0])
    monkeypatch.setattr("core.system.devices.psutil.cpu_percent", lambda interval: next(answers))
    devices = list_devices(FakeNvml(0), {"CONVDECK_CPU_SLOTS": "3"}).devices
    assert [device.utilization_percent for device in devices] == [40.0] * 3


def test_this_computer():
    report = list_devices()
    assert report.devices
    for device in report.devices:
        assert device.threads >= 1
        assert 0 <= device.memory_used_mib <= device.memory_total_mib


def test_without_nvidias_library_its_python_package_is_not_loaded(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr("core.system.devices.ctypes.CDLL", missing)
    monkeypatch.setattr("core.system.devices.sys.platform", "linux")
    monkeypatch.setitem(sys.modules, "pynvml", None)  # an import would fail
    report = list_devices()
    assert report.note == "No NVIDIA driver is installed: training uses the CPU."
    assert {device.kind for device in report.devices} == {"cpu"}
