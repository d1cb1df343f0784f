"""`devices`: what runs can train on, what is out of use and why, and how to bring it back."""

import argparse
from dataclasses import asdict

from core.cli.output import print_json
from core.store.store import Store
from core.system.devices import list_devices
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    devices = commands.add_parser("devices", help="what runs can train on, and which GPUs are out of use")
    devices.add_argument(
        "--back", metavar="ID", help="give a GPU that was lost to runs again, by its id or UUID"
    )
    devices.add_argument("--json", action="store_true", help="print one JSON document")
    devices.set_defaults(handle=_devices)


def _devices(arguments: argparse.Namespace) -> int:
    report = list_devices()
    with Store(Workspace.from_environment().ensure()) as store:
        if arguments.back is not None:
            store.devices.bring_back(arguments.back, report.present)
        aside, leases = store.devices.aside(), store.leases()
        waits, usable = store.devices.waits_for_gpu(report), store.devices.usable(report).devices
    if arguments.json:
        print_json(
            {
                "devices": [asdict(each) for each in usable],
                "out_of_use": [{**asdict(each), "reason": each.reason} for each in aside],
                "note": report.note,
                "waits": waits,
            }
        )
        return 0
    for device in usable:
        holder = leases.get(device.key) or leases.get(device.id)
        print(f"{device.id}: {device.name}, {'free' if holder is None else f'in use by {holder}'}")
    for each in aside:
        print(f"{each.device}: {each.name}, out of use, because {each.reason} ({each.key})")
    if waits or report.note:
        print(waits or report.note)
    return 0
