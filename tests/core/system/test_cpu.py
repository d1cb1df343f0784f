"""The processor's name, from what each kind of computer says of itself."""

import subprocess
import sys

import pytest

from core.system import cpu
from core.system.cpu import cpu_name, name_in, tidy

# Beginnings of /proc/cpuinfo, as published by their owners.
XEON = """processor\t: 0
vendor_id\t: GenuineIntel
cpu family\t: 6
model\t\t: 85
model name\t: Intel(R) Xeon(R) CPU @ 2.00GHz
stepping\t: 3
"""
RASPBERRY = """processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU part\t: 0xd08

Hardware\t: BCM2835
Revision\t: c03111
Model\t\t: Raspberry Pi 4 Model B Rev 1.1
"""
GRAVITON = """processor\t: 0
BogoMIPS\t: 243.75
CPU implementer\t: 0x41
CPU part\t: 0xd0c
"""
POWER = """processor\t: 0
cpu\t\t: POWER9, altivec supported
clock\t\t: 2166.000000MHz
"""
LSCPU = """Architecture:        aarch64
Model name:          Neoverse-N1
Model:               1
"""


@pytest.fixture(autouse=True)
def afresh():
    cpu_name.cache_clear()
    yield
    cpu_name.cache_clear()


@pytest.mark.parametrize(("text", "name"), [
    (XEON, "Intel(R) Xeon(R) CPU @ 2.00GHz"), (RASPBERRY, "BCM2835"), (GRAVITON, None),
    (POWER, "POWER9, altivec supported"), (LSCPU, "Neoverse-N1"), ("", None),
])  # fmt: skip
def test_the_name_in_linux_s_cpuinfo(text, name):
    assert name_in(text) == name


@pytest.mark.parametrize(("raw", "name"), [
    ("Intel(R) Xeon(R) CPU @ 2.00GHz", "Intel Xeon CPU @ 2.00GHz"), ("  AMD   EPYC 7B13 ", "AMD EPYC 7B13"),
    ("Intel(R) Core(TM) i7-8650U", "Intel Core i7-8650U"), ("unknown", ""), ("-", ""),
])  # fmt: skip
def test_it_is_said_without_trademarks(raw, name):
    assert tidy(raw) == name


def test_a_mac_is_asked_by_sysctl(monkeypatch):
    asked = []

    def run(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "Apple M2\n", "")

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    assert cpu_name() == cpu_name() == "Apple M2"
    assert asked == [("sysctl", "-n", "machdep.cpu.brand_string")]  # once


@pytest.mark.parametrize("error", [FileNotFoundError(), subprocess.TimeoutExpired("sysctl", 5)])
def test_without_a_name_it_is_the_kind_of_processor(monkeypatch, error):
    def run(*_, **__):
        raise error

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(cpu.platform, "processor", lambda: "")
    monkeypatch.setattr(cpu.platform, "machine", lambda: "arm64")
    assert cpu_name() == "arm64"
