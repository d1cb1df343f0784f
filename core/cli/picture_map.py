"""The command `map`: where the pictures of a part lie to a run, and where new ones would."""

import argparse
from pathlib import Path

from core.cli.inspection import add_split_and_epoch, advance, one_engine
from core.cli.output import print_json
from core.cli.predict import CROP_NAMES
from core.formatting import percent
from core.importing.picture_files import read_picture
from core.inspection.answers import answers_of, weights_of
from core.inspection.picture_map import answers_on, map_document, picture_map, place_pictures, purity
from core.store.store import Store
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    mapping = commands.add_parser("map", help="lay out pictures so that alike ones lie together")
    add_split_and_epoch(mapping)
    mapping.add_argument(
        "--place", metavar="IMAGE", type=Path, nargs="+", default=[], help="pictures to place on the map"
    )
    mapping.add_argument(
        "--crop", choices=CROP_NAMES, help="how these get the network's shape (default: as in training)"
    )
    mapping.set_defaults(handle=_map)


def _map(arguments: argparse.Namespace) -> int:
    workspace = Workspace.from_environment().ensure()
    run = Store(workspace).get_run(arguments.run)
    own = [(path.name, read_picture(path)) for path in arguments.place]
    with one_engine(workspace) as engine:
        answers = answers_of(workspace, engine, run, arguments.split, arguments.epoch, advance)
        found = picture_map(workspace, engine, run, arguments.split, answers.epoch, _advance)
        weights = weights_of(workspace, run, answers.epoch)
        placed = place_pictures(engine, run, weights, found, own, CROP_NAMES.get(arguments.crop))
    if arguments.json:
        print_json(map_document(run.id, found, answers, placed))
        return 0
    labels = answers_on(found, answers).labels
    print(
        f"{len(found):,} {found.split} pictures after epoch {found.epoch}. Of the ten nearest neighbours of a picture, "
        f"{percent(purity(found.tsne, labels))} have its class on the t-SNE map, {percent(purity(found.pca, labels))} "
        f"on the PCA map, which shows {percent(float(found.explained[:2].sum()))} of the variance."
    )
    for each in placed:
        if each.answer.error:
            print(f"{each.answer.image}: {each.answer.error}")
            continue
        (x, y), best = each.places["tsne"], each.answer.top[0]
        print(f"{each.answer.image}: {best.name} {percent(best.probability)}, at {x:.1f}, {y:.1f}")
    return 0


def _advance(done: int, of: int) -> None:
    advance(done, of, "steps")
