"""The pages to share, read back by a parser: numbers are the store's, nothing else runs, and nothing private is in."""

import base64
import hashlib
import json
import math
import re
import socket
from statistics import mean, stdev

import pytest
from scipy import stats

from core.analysis.diagnosis import diagnose
from core.epoch import CURVE_KEYS, EpochRow
from core.report.shared_curves import MOST_EPOCHS, epochs_per_run, thinned
from core.report.shared_page import share_name, share_run, share_study
from core.store.records import Run, RunData, RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.studies.report import read_report
from core.visitors.person import acting_as
from core.workspace import Workspace
from tests.core.conftest import run_command, run_json
from tests.core.report.shared_document import SharedDocument
from tests.core.studies.ended import FLIPPED, TINY, create, end, end_all, spec
from tests.hostile import NAMES

DAY = 1_795_000_000.0  # 18 November 2026
DRAWN = (
    "epoch",
    "train_accuracy",
    "train_loss",
    "clean_train_accuracy",
    "clean_train_loss",
    "val_accuracy",
    "val_loss",
)
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "</title></style><img src=x onerror=alert(1)>",
    "\"><b onclick='alert(1)'>&lt;",
    "{{ 7 * 7 }}{% endblock %}",
    "🦊" * 60,
    "W" * 120,
)


def page_of(store: Store, run: Run) -> SharedDocument:
    return SharedDocument(share_run(store.workspace, store, store.get_run(run.id), DAY))


def study_page(store: Store, study_id: str) -> SharedDocument:
    return SharedDocument(share_study(store.workspace, store, study_id, DAY))


def train_for(store: Store, run: Run, epochs: int, best: int | None = None) -> Run:
    """Let it end after many epochs with every curve, overfitting: `best` has the highest validation accuracy."""
    store.claim(run.id, [f"device of {run.id}"])
    store.record_started(run.id, run.attempt, epochs, 10, 0)
    for epoch in range(1, epochs + 1):
        done = 1 - math.exp(-5 * epoch / epochs)
        val = 0.6 * done if epoch != best else 0.9
        losses = 2.3 - 2 * done, 2.2 - 2 * done, 2.3 - done + epoch / epochs
        row = EpochRow(
            epoch, losses[0], 0.9 * done, losses[1], 0.95 * done, losses[2], val, 1e-3, 2.0, 90.0
        )  # fmt: skip
        store.record_epoch(run.id, run.attempt, row)
    return store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_a_real_run_by_the_command(home, tmp_path) -> None:
    out = tmp_path / "run.html"
    code, said = run_json("share", home.run_id, "--out", str(out))
    assert code == 0, said
    assert said == {"out": str(out), "kind": "run", "id": home.run_id, "bytes": out.stat().st_size}
    page = SharedDocument(out.read_text(encoding="utf-8"))
    _, known = run_json("show", home.run_id)
    (drawn,) = page.data["runs"]
    assert {key: drawn["curves"][key] for key in DRAWN} == {key: known["curves"][key] for key in DRAWN}
    assert (
        drawn["best_epoch"] == known["best_epoch"] and drawn["onset_epoch"] == known["verdict"]["onset_epoch"]
    )
    assert page.data["verdict"] == known["verdict"]
    assert known["verdict"]["headline"] in page.text and known["verdict"]["evidence"] in page.text
    # Wilson, by hand.
    n, p, z = 1_500, known["best_val_accuracy"], 1.959964
    middle, half = (
        (p + z * z / 2 / n) / (1 + z * z / n),
        z * math.sqrt(p * (1 - p) / n + z * z / 4 / n / n) / (1 + z * z / n),
    )
    assert f"interval {100 * (middle - half):.1f} to {100 * (middle + half):.1f} %" in page.text
    assert "1,500 pictures" in page.text
    layers = page.body["layers"]
    assert [row[0] for row in layers[1:]][:2] == ["input", "rescaling"] and layers[-1][0] == "softmax"
    assert ["training epochs", "3"] in [[name.lower(), value] for name, value in page.body["settings"]] or [
        "epochs", "3"] in [[name.lower(), value] for name, value in page.body["settings"]]  # fmt: skip
    rows = page.body["epochs"][2:]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert [row[5] for row in rows] == [f"{100 * value:.1f} %" for value in known["curves"]["val_accuracy"]]
    assert str(home.workspace.root) not in page.source and socket.gethostname() not in page.source


def test_what_cannot_be_shared_is_refused_in_words(home, tmp_path) -> None:
    code, _, err = run_command("share", "gone", "--out", str(tmp_path / "x.html"))
    assert code == 2 and "There is no run and no study gone." in err
    code, _, err = run_command("share", home.run_id, "--out", str(tmp_path / "no" / "x.html"))
    assert code == 2 and "cannot be written" in err


def test_only_its_own_script_may_run_and_nothing_is_fetched(store) -> None:
    run = end(store, store.queue_run(RunRequest(TINY, "A run")))
    page = page_of(store, run)
    (kinds, scripts) = zip(*page.scripts, strict=True)
    assert kinds == ("application/json", "")
    digest = base64.b64encode(hashlib.sha256(scripts[1].encode()).digest()).decode()
    (policy,) = [
        value for tag, name, value in page.attributes if name == "content" and "default-src" in value
    ]
    assert policy == (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; base-uri 'none'; "
        "form-action 'none'"
    )
    assert not {"link", "iframe", "object", "embed", "img", "a", "base", "form"} & set(page.tags)
    assert not [
        each for each in page.attributes if each[1].startswith("on") or each[1] in ("src", "href", "style")
    ]
    # The name of a namespace is all that looks like an address; nothing writes HTML or asks a server.
    assert set(re.findall(r"\w+://[\w./]+", page.source)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(
        r"innerHTML|insertAdjacent|document\.write|fetch\(|XMLHttp|eval\(|Function\(", scripts[1]
    )
    assert "</" not in scripts[1] and "<!--" not in scripts[1]
    (style,) = re.findall(r"<style>(.*?)</style>", page.source, re.DOTALL)
    assert "url(" not in style and "@import" not in style and "prefers-color-scheme: dark" in style


def test_hostile_names_stay_text(store) -> None:
    run = end(store, store.queue_run(RunRequest(TINY, "A run")))
    for name in (*HOSTILE, *NAMES):
        store.rename_run(run.id, name)
        store.marks.add_tags([run.id], [name.replace(",", "")[:40].strip()])
        store.notes.write([run.id], outcome=f"{name}\n{name}")
        check_hostile(store, store.get_run(run.id), name)


def check_hostile(store: Store, run: Run, name: str) -> None:
    page = page_of(store, run)
    assert page.tags.count("script") == 2 and not {"b", "img", "i"} & set(page.tags[: page.tags.index("h2")])
    assert "img" not in page.tags and "alert" not in page.scripts[1][1]
    assert not [each for each in page.attributes if each[1].startswith("on")]
    plain = " ".join(name.split())
    assert page.text.count(plain) >= 4  # title, heading, twice in the note
    assert page.data["runs"][0]["name"] == run.name
    block = page.scripts[0][1]
    assert block.isascii() and not set("<>&") & set(block)
    assert share_name(run).isascii()


def test_a_hostile_name_in_a_study_stays_text(store) -> None:
    asked = spec("seeds", TINY, FLIPPED, num_seeds=2)
    hostile = json.loads(asked.to_json())
    hostile["bases"][0]["name"] = HOSTILE[0]
    study = create(store, type(asked).from_json(json.dumps(hostile)))
    end_all(store, study, lambda role: 0.6, lambda role: 0.1)
    page = study_page(store, study.id)
    assert page.tags.count("script") == 2 and page.data["variants"][0] == HOSTILE[0]
    assert HOSTILE[0] in page.body["variants"][1][0]


def test_the_size_of_a_hundred_epochs_and_a_table_of_them(store) -> None:
    run = train_for(store, store.queue_run(RunRequest(TINY, "Long")), 100)
    page = page_of(store, run)
    assert len(page.source.encode()) < 300_000
    curves = store.curves(run.id)
    (drawn,) = page.data["runs"]
    assert all(drawn["curves"][key] == curves[key] for key in DRAWN)
    assert set(drawn["curves"]) <= set(CURVE_KEYS) - {"seconds", "images_per_second"}
    found = diagnose(curves)
    assert found.onset_epoch is not None and drawn["onset_epoch"] == page.data["verdict"]["onset_epoch"]
    assert [row[0] for row in page.body["epochs"][2:]] == [str(epoch) for epoch in range(1, 101)]


def test_very_many_epochs_are_thinned_and_the_best_one_stays(store, monkeypatch) -> None:
    number = MOST_EPOCHS + 501
    curves = {key: [value / 7 for value in range(number)] for key in CURVE_KEYS}
    curves["epoch"] = list(range(1, number + 1))
    curves["val_loss"][0] = math.inf
    found = thinned(curves, MOST_EPOCHS, 778)
    assert len(found["epoch"]) == MOST_EPOCHS and {1, 778, number} <= set(found["epoch"])
    assert found["val_accuracy"] == [(epoch - 1) / 7 for epoch in found["epoch"]]
    assert found["val_loss"][0] is None and found["val_loss"][1:] == found["val_accuracy"][1:]
    monkeypatch.setattr("core.report.shared_run.epochs_per_run", lambda number: 9)
    monkeypatch.setattr("core.report.shared_page.MOST_ROWS", 6)
    page = page_of(store, train_for(store, store.queue_run(RunRequest(TINY, "Long")), 12, best=5))
    assert "The charts hold 9 of 12 epochs." in page.text and "6 of 12 epochs." in page.text
    assert "5" in [row[0] for row in page.body["epochs"]]


def test_how_many_epochs_a_study_holds() -> None:
    assert [epochs_per_run(number) for number in (1, 10, 20, 200)] == [1_000, 1_000, 500, 50]


def test_a_study_has_its_verdict_each_result_and_all_curves(store, tmp_path) -> None:
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=3))
    gains = {0: 0.10, 1: 0.11, 2: 0.09}
    end_all(
        store, study,
        lambda role: 0.5 + 0.01 * role.seed + (gains[role.seed] if role.conditions == ("second",) else 0.0),
        lambda role: 0.1,
    )  # fmt: skip
    out = tmp_path / "study.html"
    code, said = run_json("share", study.id, "--out", str(out))
    assert code == 0 and said["kind"] == "study", said
    page = SharedDocument(out.read_text(encoding="utf-8"))
    report = read_report(store.workspace, store, study.id)
    assert page.data["headline"] == report.result.headline and report.result.headline in page.text
    assert "Is one better than the other, or was it luck?" in page.text
    first, second = page.body["variants"][1:]
    for row, values in ((first, (0.50, 0.51, 0.52)), (second, (0.60, 0.62, 0.61))):
        half = stats.t.ppf(0.975, 2) * stdev(values) / math.sqrt(3)
        assert row[1] == f"{100 * mean(values):.1f} %"
        assert row[2] == f"{100 * (mean(values) - half):.1f} to {100 * (mean(values) + half):.1f} %"
        assert row[3] == "3"
    assert first[4] == "–" and second[4] == "horizontal flip off → on"
    assert page.data["variants"] == ["config 0", "config 1"]
    rows = page.body["runs"][1:]
    members = store.studies.members(study.id)
    assert len(rows) == len(members) == 6
    for row, drawn, member in zip(rows, page.data["runs"], members, strict=True):
        assert row[0] == ("config 1" if member.role["arms"] == ["second"] else "config 0")
        assert row[1] == str(member.role["seed"]) and row[2] == f"{100 * member.run.best_val_accuracy:.1f} %"
        assert drawn["variant"] == (member.role["arms"] == ["second"]) and drawn["best_epoch"] == 2
        known = store.curves(member.run.id)
        assert drawn["curves"]["val_accuracy"] == known["val_accuracy"]


def test_the_size_of_a_study_with_ten_runs(store) -> None:
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=5))
    for member in store.studies.members(study.id):
        train_for(store, member.run, 100)
    page = study_page(store, study.id)
    assert len(page.data["runs"]) == 10 and all(
        len(run["curves"]["epoch"]) == 100 for run in page.data["runs"]
    )
    assert len(page.source.encode()) < 600_000


@pytest.mark.parametrize("kind", ["ablation", "volume", "noise"])
def test_every_kind_of_study_can_be_shared_at_any_time(store, kind) -> None:
    study = create(store, spec(kind, FLIPPED if kind == "ablation" else TINY))
    page = study_page(store, study.id)
    assert page.data["runs"] == [] and "0 of" in page.text
    end(store, store.studies.members(study.id)[0].run)
    page = study_page(store, study.id)
    assert (
        len(page.data["runs"]) == 1
        and read_report(store.workspace, store, study.id).result.headline in page.text
    )


def test_a_study_that_cannot_be_read_and_a_run_without_an_epoch(store) -> None:
    study = store.studies.create("seeds", "Old", '{"kind": "other"}', [])
    page = study_page(store, study.id)
    assert "there is no verdict" in page.text and "All of its runs were deleted." in page.text
    page = page_of(store, store.queue_run(RunRequest(TINY, "Waits")))
    assert "No epoch has finished yet." in page.text and page.data["runs"][0]["curves"]["epoch"] == []


def test_nothing_private_is_in_it(store, anna) -> None:
    secret = "/home/somebody/secret.npz"
    with acting_as(anna):
        run = store.queue_run(RunRequest(TINY, "Mine", expectation="It will overfit."))
    ended = end(
        store, run, state=RunState.FAILED, error=f"{secret} is damaged", next_step=f"Delete {secret}."
    )
    with acting_as(anna):
        store.notes.write([run.id], outcome="It did not.")
    study = create(store, spec("seeds", TINY, FLIPPED, num_seeds=2))
    store.studies.end_adding(study.id, error=f"{secret} cannot be read.")
    end(store, store.studies.members(study.id)[0].run, state=RunState.FAILED, error=f"{secret} is damaged")
    assert store.get_run(run.id).visitor == anna.id and ended.error
    for page in (page_of(store, run), study_page(store, study.id)):
        for private in (
            "Anna", anna.id, secret, str(store.workspace.root), "device of", socket.gethostname(), "cpu_name",
        ):  # fmt: skip
            assert private not in page.source, private
    assert "It will overfit." in page_of(store, run).text and "It did not." in page_of(store, run).text


def test_what_was_changed_by_hand_is_said(store) -> None:
    data = RunData("0" * 64, ("cat", "dog"), 60, 200)
    run = store.queue_run(RunRequest(TINY, "Changed", data=data))
    store.claim(run.id, ["cpu"])
    store.record_started(run.id, run.attempt, 3, 10, 0)
    store.record_epoch(run.id, run.attempt, EpochRow(1, val_accuracy=0.5))
    store.interventions.request(run.id, "add_epochs", 5)
    page = page_of(store, run)
    assert "Changed by hand during training: 5 epochs added after epoch 1." in page.text
    assert "running after 1 of 8 epochs" in page.text
    assert isinstance(store.workspace, Workspace) and "43.1 to 56.9 %" in page.text  # 100 of 200, Wilson
