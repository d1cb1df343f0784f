"""Commands about alerts: add, list, remove, test, log."""

import argparse

from core.alerts.rules import (
    add_rule,
    channel_in_words,
    delivery_document,
    outcome_in_words,
    rule_document,
    send_test,
)
from core.cli.output import in_minutes, print_json, print_table
from core.store.alerts import KINDS
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    alerts = commands.add_parser("alerts", help="messages about verdicts, to a webhook or a command")
    actions = alerts.add_subparsers(dest="action", required=True, metavar="ACTION")

    add = actions.add_parser("add", help="tell of something from now on")
    add.add_argument("--name", required=True)
    add.add_argument(
        "--on",
        required=True,
        metavar="KIND,…",
        help=f"what to tell of: {', '.join(KINDS)}; several with commas",
    )
    channel = add.add_mutually_exclusive_group(required=True)
    channel.add_argument("--webhook", metavar="URL", help="send each message to it by POST, as JSON")
    channel.add_argument(
        "--command", nargs=argparse.REMAINDER, metavar="WORD", dest="words",
        help="run it for each message, which it gets as JSON on standard input: an absolute path and its arguments; "
        "comes last",
    )  # fmt: skip
    add.add_argument("--json", action="store_true", help="print one JSON document")
    add.set_defaults(handle=_add)

    listed = actions.add_parser("list", help="list the alerts")
    listed.add_argument("--json", action="store_true", help="print one JSON document")
    listed.set_defaults(handle=_list)

    for name, text, handle in (
        ("remove", "tell no more; the log stays", _remove),
        ("test", "send a test message now", _test),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("name", metavar="NAME")
        action.set_defaults(handle=handle)

    log = actions.add_parser("log", help="the messages, newest first, and how they went")
    log.add_argument("--json", action="store_true", help="print one JSON document")
    log.set_defaults(handle=_log)


def _add(arguments: argparse.Namespace) -> int:
    kinds = [kind for each in arguments.on.split(",") if (kind := each.strip())]
    with _store() as store:
        rule = add_rule(
            store, arguments.name, kinds, webhook=arguments.webhook, command=arguments.words, is_local=True
        )
    if arguments.json:
        print_json(rule_document(rule))
    else:
        print(
            f"“{rule.name}” tells of {', '.join(rule.kinds)}. Try it: python -m core alerts test {rule.name!r}"
        )
    return 0


def _list(arguments: argparse.Namespace) -> int:
    with _store() as store:
        rules = store.alerts.list_rules()
    if arguments.json:
        print_json([rule_document(rule) for rule in rules])
    elif not rules:
        print(
            "No alerts yet. Add one: python -m core alerts add --name phone --on overfitting,finished "
            "--webhook https://example.com/hook"
        )
    else:
        rows = [(rule.name, ", ".join(rule.kinds), channel_in_words(rule)) for rule in rules]
        print_table(("name", "tells of", "to"), rows)
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    with _store() as store:
        rule = store.alerts.remove_rule(arguments.name)
    print(f"“{rule.name}” is removed.")
    return 0


def _test(arguments: argparse.Namespace) -> int:
    with _store() as store:
        delivery = send_test(store, arguments.name)
    print(outcome_in_words(delivery))
    return 0 if delivery.state == "sent" else 1


def _log(arguments: argparse.Namespace) -> int:
    with _store() as store:
        log = store.alerts.log()
    if arguments.json:
        print_json([delivery_document(each) for each in log])
        return 0
    rows = [
        (in_minutes(each.created_at), each.rule, each.kind, each.message.get("title"), outcome_in_words(each))
        for each in log
    ]
    print_table(("when", "alert", "kind", "message", "how it went"), rows)
    return 0


def _store() -> Store:
    return Store(Workspace.from_environment().ensure())
