"""What is damaged or hostile is refused in a sentence and leaves nothing behind."""

import io
import json
import shutil
import struct
import warnings
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.bundles import unpacking
from core.bundles.importing import import_bundle
from core.errors import BundleError
from tests.core.bundles.conftest import is_empty
from tests.core.bundles.made import BEST, members_of, packed, with_flag, with_json, with_model

DEEP = b"[" * 200_000


def entry(bundle: bytes, name: str, data: bytes = b"x", mode: int = 0) -> bytes:
    """The bundle with one more entry."""
    buffer = io.BytesIO(bundle)
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name that is there already
        archive.writestr(info, data)
    return buffer.getvalue()


def member(bundle: bytes, name: str, data: bytes) -> bytes:
    return packed({**members_of(bundle), name: data})


def without(bundle: bytes, name: str) -> bytes:
    return packed({key: data for key, data in members_of(bundle).items() if key != name})


def bomb(bundle: bytes) -> bytes:
    return member(bundle, "log.json", b"[" + b" " * 20_000_000 + b"]")


def much_text(bundle: bytes) -> bytes:
    """Each member by itself would pass: 20 receipts of 3 MB, 5 KB as a zip."""
    receipts = {f"receipts/a{number}.json": b" " * 3_000_000 for number in range(20)}
    return packed({**members_of(bundle), **receipts})


def lying_size(bundle: bytes) -> bytes:
    """The list at the end says that a member is larger than it is allowed to be."""
    data = bytearray(bundle)
    at = data.rfind(b"PK\1\2")
    struct.pack_into("<I", data, at + 24, 2_000_000_000)
    return bytes(data)


def versioned(bundle: bytes, version: int) -> bytes:
    return packed(members_of(bundle), lambda manifest: manifest.update(version=version))


def run(**values):
    return lambda bundle: with_json(bundle, "run.json", lambda run: run.update(values))


def config(**values):
    return lambda bundle: with_json(bundle, "run.json", lambda run: run["config"]["training"].update(values))


def epochs(change):
    return lambda bundle: with_json(bundle, "epochs.json", change)


def raw(name: str, old: bytes, new: bytes):
    return lambda bundle: member(bundle, name, members_of(bundle)[name].replace(old, new, 1))


REFUSED = {
    "nothing": (lambda bundle: b"", "no whole zip"),
    "text": (lambda bundle: b"hello", "no whole zip"),
    "cut": (lambda bundle: bundle[: len(bundle) // 2], "no whole zip"),
    "another zip": (lambda bundle: entry(b"", "run.json"), "no bundle of ConvDeck"),
    "encrypted": (lambda bundle: with_flag(bundle, 1), "encrypted"),
    "up": (lambda bundle: entry(bundle, "../../evil.json"), "points outside"),
    "absolute": (lambda bundle: entry(bundle, "/etc/passwd"), "points outside"),
    "windows": (lambda bundle: entry(bundle, "C:\\evil.json"), "points outside"),
    "another name": (lambda bundle: entry(bundle, "evil.py"), "no part of one"),
    "pickle": (lambda bundle: entry(bundle, "weights/best-000001.pkl"), "no part of one"),
    "link": (lambda bundle: entry(bundle, "receipts/onnx.json", b"/etc", 0o120777), "link"),
    "twice": (lambda bundle: entry(bundle, "log.json"), "twice"),
    "not listed": (lambda bundle: entry(bundle, "receipts/onnx.json"), "manifest lists"),
    "missing": (lambda bundle: without(bundle, "epochs.json"), "has no epochs.json"),
    "many": (lambda bundle: packed({**members_of(bundle), **{f"receipts/a{n}.json": b"1" for n in range(50)}}),
             "entries|lists"),
    "bomb": (bomb, "unfolds"),
    "much text": (much_text, "take more than 40 MB together"),
    "long settings": (lambda bundle: member(bundle, "run.json", b"[" + b"9," * 2_400_000 + b"9]"), "too many"),
    "lying": (lying_size, "which is too many|would take"),
    "wrong hash": (lambda bundle: packed(members_of(bundle), lambda manifest: manifest["members"]["log.json"].update(
        sha256="0" * 64)), "not what was exported"),
    "newer": (lambda bundle: versioned(bundle, 2), "newer ConvDeck"),
    "no version": (lambda bundle: versioned(bundle, "1"), "no manifest"),
    "deep": (lambda bundle: member(bundle, "run.json", DEEP), "cannot be read"),
    "deep epochs": (lambda bundle: member(bundle, "epochs.json", DEEP), "cannot be read"),
    "no JSON": (lambda bundle: member(bundle, "run.json", b"\xff\xfe"), "cannot be read"),
    "twice a key": (raw("run.json", b'"state"', b'"state": "FINISHED", "state"'), "cannot be read"),
    "NaN": (raw("run.json", b'"added_epochs": 0', b'"added_epochs": NaN'), "cannot be read"),
    "infinite": (raw("epochs.json", b'"val_loss":', b'"val_loss":1e999, "x":'), "cannot be read"),
    "running": (run(state="RUNNING"), "cannot be read"),
    "waiting": (run(state="WAITING"), "cannot be read"),
    "unknown key": (run(pid=1), "cannot be read"),
    "name": (run(name="\u202eevil"), "damaged"),
    "control": (run(preset="\x1b[31m"), "control characters"),
    "time": (run(created_at=-1), "cannot be read"),
    "backwards": (run(started_at=9.0, ended_at=8.0), "before it began"),
    "config": (config(batch_size=0), "settings"),
    "config key": (config(evil=1), "settings"),
    "epoch count": (run(total_epochs=7), "number of epochs"),
    "gap": (epochs(lambda rows: rows[:3] + rows[4:]), "numbered"),
    "accuracy": (epochs(lambda rows: rows[0].update(val_accuracy=1.5)), "cannot be read"),
    "text for number": (epochs(lambda rows: rows[0].update(val_loss="1")), "cannot be read"),
    "classes": (epochs(lambda rows: rows[0]["details"]["clean"]["count"].__delitem__(-1)), "per class"),
    "right": (epochs(lambda rows: rows[0]["details"]["clean"]["right"].__setitem__(0, 10**9)), "per class"),
    "place": (epochs(lambda rows: rows[0]["details"]["confusion"]["place"].__setitem__(0, 10**6)), "confusions"),
    "followed": (epochs(lambda rows: rows[0]["details"]["followed"]["training"]["answer"].__delitem__(-1)), "followed"),
    "tags": (run(tags=["a", "a"]), "tag twice"),
    "no weights described": (lambda bundle: without(bundle, BEST.replace(".keras", ".json")), "no description"),
    "seal": (raw(BEST.replace(".keras", ".json"), b'"epoch": 18', b'"epoch": 17'), "does not fit"),
    "temperature": (lambda bundle: member(bundle, "temperature.json", b'{"sha256": "x", "value": 1e9, "note": null}'),
                    "cannot be read"),
    "of other weights": (
        lambda bundle: member(bundle, "temperature.json", b'{"sha256": "x", "value": 1.0, "note": null}'),
        "other weights",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_sentence_and_leaves_nothing(bundle, workspace, store, take, name) -> None:
    make, words = REFUSED[name]
    with pytest.raises(BundleError, match=words) as refused:
        take(make(bundle))
    said = str(refused.value)
    assert said.endswith(".") and len(said) < 400 and "\n" not in said
    assert is_empty(workspace, store)


def network(change):
    """The best model with its `config.json` changed."""

    def changed(files) -> None:
        values = json.loads(files["config.json"])
        change({layer["name"]: layer for layer in values["config"]["layers"]}, values)
        files["config.json"] = json.dumps(values).encode()

    return changed


def weights(change):
    """The best model with its HDF5 file changed."""

    def changed(files) -> None:
        buffer = io.BytesIO(files["model.weights.h5"])
        with h5py.File(buffer, "r+") as file:
            change(file)
        files["model.weights.h5"] = buffer.getvalue()

    return changed


def lambda_layer(layers, values) -> None:
    layers["flatten"].update(module="keras.layers", class_name="Lambda")


def empty_weights(file) -> None:
    """A dataset that says to be huge and lies nowhere."""
    del file["layers/dense/vars/0"]
    file.create_dataset("layers/dense/vars/0", (576, 64), np.float32, fillvalue=1.0, chunks=(576, 64))


def other_shape(file) -> None:
    """As many numbers as before."""
    values = file["layers/conv2d_1/vars/0"][:].reshape(3, 3, 32, 8)
    del file["layers/conv2d_1/vars/0"]
    file["layers/conv2d_1/vars/0"] = values


def swapped(file) -> None:
    """The weights of the dense layer stand for those of the output, and the other way round."""
    for old, new in (("dense", "x"), ("dense_1", "dense"), ("x", "dense_1")):
        file.move(f"layers/{old}", f"layers/{new}")


MODELS = {
    "lambda": (network(lambda_layer), "Lambda"),
    "function": (network(lambda layers, values: layers["conv_1"]["config"].update(
        activation={"module": "os", "class_name": "function", "config": "system", "registered_name": "function"},
    )), "os.function"),
    "numpy": (network(lambda layers, values: layers["dense_1"]["config"].update(
        x={"class_name": "__lambda__", "config": {"value": "4wEAAAAAAA"}}) if "dense_1" in layers else values.update(
        x={"class_name": "__lambda__", "config": {}})), "__lambda__"),
    "elsewhere": (network(lambda layers, values: values.update(module="evil.models")), "evil.models"),
    "registered": (network(lambda layers, values: layers["conv_1"].update(registered_name="evil>Conv2D")), "Conv2D"),
    "compiled": (network(lambda layers, values: values.update(compile_config={"loss": "x"})), "could run code"),
    "large": (network(lambda layers, values: layers["conv_1"]["config"].update(filters=10**9)), "filters of conv_1"),
    "input": (network(lambda layers, values: layers["input"]["config"].update(batch_shape=[None, 9999, 9999, 3])),
              "other pictures"),
    "activation": (network(lambda layers, values: layers["conv_1"]["config"].update(activation="os.system")),
                   "activation of conv_1"),
    "wired": (network(lambda layers, values: layers["conv_2"].update(inbound_nodes=[])), "other layers"),
    "twisted": (lambda files: files.update({"config.json": DEEP}), "nested|not valid"),
    "no network": (lambda files: files.update({"config.json": b"[]"}), "no network"),
    "more files": (lambda files: files.update({"assets/evil.py": b"x"}), "other files"),
    "no weights": (lambda files: files.update({"model.weights.h5": b"x"}), "damaged"),
    "cut weights": (lambda files: files.update({"model.weights.h5": files["model.weights.h5"][:5000]}), "damaged"),
    "external link": (weights(lambda file: file.__setitem__("layers/evil", h5py.ExternalLink("/etc/passwd", "/"))),
                      "links"),
    "soft link": (weights(lambda file: file.__setitem__("layers/evil", h5py.SoftLink("/layers"))), "links"),
    "circle": (weights(lambda file: file.__setitem__("layers/evil", file["layers"])), "share"),
    "other numbers": (weights(lambda file: file.create_dataset("layers/x/vars/0", data=np.ones(9, np.float32))),
                      "another network"),
    "other shape": (weights(other_shape), r"conv_2 has 3×3×32×8 numbers, not 3×3×16×16"),
    "swapped": (weights(swapped), r"of another network"),
    "another place": (weights(lambda file: file.move("layers/dense_1", "layers/dense_7")), "another network"),
    "unallocated": (weights(empty_weights), "not stored as Keras"),
    "text": (weights(lambda file: file.create_dataset("layers/x/vars/0", data="import os")), "not stored as Keras"),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_is_not_the_runs_network_never_gets_to_keras(
    bundle, workspace, store, take, name
) -> None:
    change, words = MODELS[name]
    with pytest.raises(BundleError, match=words):
        take(with_model(bundle, change))
    assert is_empty(workspace, store)


def test_the_same_model_packed_by_hand_is_taken(bundle, take) -> None:
    """So what is refused above is refused for its change."""
    assert take(with_model(bundle, lambda files: None)).best_epoch == 18


def test_texts_are_counted_while_they_are_read(bundle, workspace, store, take, monkeypatch) -> None:
    """Also where the sizes in the list are not what unfolds."""
    total = sum(len(data) for name, data in members_of(bundle).items() if not name.endswith(".keras"))
    monkeypatch.setattr(unpacking, "MAX_ALL_TEXT_BYTES", total - 1)
    monkeypatch.setattr(unpacking, "sum", lambda sizes: 0, raising=False)
    with pytest.raises(BundleError, match="together, the most of a bundle"):
        take(bundle)
    assert is_empty(workspace, store)
    monkeypatch.setattr(unpacking, "MAX_ALL_TEXT_BYTES", total)
    assert take(bundle).best_epoch == 18


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 2**24), st.integers(1, 255)), max_size=3),
    st.none() | st.integers(0, 2**24),
)
def test_flipped_and_cut_bytes_give_a_sentence_or_the_whole_run(
    bundle_file, workspace, store, tmp_path, flips, cut
) -> None:
    bundle = bundle_file.read_bytes()
    changed = bytearray(bundle)
    for place, value in flips:
        changed[place % len(bundle)] ^= value
    if cut is not None:
        del changed[cut % len(bundle) :]
    path = tmp_path / "changed.zip"
    path.write_bytes(changed)
    try:
        run = import_bundle(workspace, store, path)
    except BundleError as error:
        assert str(error).endswith(".")
    else:
        assert len(store.curves(run.id)["epoch"]) == 25
        store.notes.delete(store.notes.find([run.id]).id)
        store.trash.put(run.id)
        store.trash.begin_purge(run_id=run.id)
        store.trash.end_purge(run.id)
        shutil.rmtree(workspace.run_folder(run.id))
    assert is_empty(workspace, store)
