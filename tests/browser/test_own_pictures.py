"""Own pictures, as a person brings them: a large file in portions, damaged ones left out, a look inside, a run."""

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Route, expect

from core.datasets.storage import load_dataset
from core.importing.report import load_report
from core.store.store import Store
from tests.browser.conftest import FLAGS, PATIENCE_MS
from tests.core.importing.made import noise, pictures
from tests.server import UNHURRIED, Server, running_server

PORTION_BYTES = 1_000_000
LARGE_BYTES = 30_000_000
GROWTH_MIB = 20  # of a server that gets a file of 30 MB


@pytest.fixture(scope="module")
def server(workspace):
    """One that takes a megabyte at a time."""
    environment = {"CONVDECK_UPLOAD_PORTION_BYTES": str(PORTION_BYTES)}
    with running_server(workspace.root, UNHURRIED, environment=environment) as running:
        yield running


@pytest.fixture(autouse=True)
def without_pictures(workspace) -> Iterator[None]:
    """Each test begins without pictures of its own; the form is unfolded there."""
    yield
    for folder in workspace.datasets.iterdir():
        if folder.is_dir() and folder.name != "shapes":
            shutil.rmtree(folder)


def large_zip(path: Path) -> Path:
    """Two classes of sixty, five damaged files, and a large one that is no picture."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in pictures("roses", "tulips", count=60).items():
            archive.writestr(name, data)
        for index in range(5):
            archive.writestr(f"roses/damaged-{index}.png", noise(index)[:60])
        archive.writestr("roses/film.bin", os.urandom(LARGE_BYTES))
    return path


def open_form(page: Page, server: Server) -> None:
    page.goto(f"{server.url}/datasets")
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()


def test_a_large_file_with_damaged_pictures_becomes_a_run(
    server, workspace, page: Page, tmp_path, complaints, wait_for
) -> None:
    path = large_zip(tmp_path / "flowers (1).zip")
    portions: list[int] = []
    lost: list[str] = []
    memory: list[int] = []
    process = psutil.Process(server.pid)

    def lose_one(route: Route) -> None:
        portions.append(len(route.request.post_data_buffer or b""))
        memory.append(process.memory_info().rss)
        if len(portions) == 5:
            lost.append(route.request.url)
            return route.abort()
        route.continue_()

    page.route("**/api/v1/uploads/*?offset=*", lose_one)
    open_form(page, server)
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files(path)
    expect(page.get_by_label("Name", exact=True)).to_have_value("flowers-1")
    # From the first portion on: with the request before it, the server has loaded its REST interface.
    assert (max(memory) - memory[0]) / 2**20 < GROWTH_MIB
    # The browser complained of the portion that was lost, and sent it again.
    assert len(lost) == 1 and any("ERR_FAILED" in each for each in complaints)
    complaints.clear()
    assert max(portions) <= PORTION_BYTES and len(portions) >= LARGE_BYTES // PORTION_BYTES
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("5 of 125 pictures cannot be read")).to_be_visible()
    sent = len(portions)
    page.get_by_role("button", name="Import the other 120, leave out these 5").click()
    train = page.get_by_role("button", name="Train on it")
    expect(train).to_be_in_viewport()
    assert len(portions) == sent  # not uploaded again
    dataset = load_dataset(workspace, "flowers-1")
    assert len(dataset.x_train) + len(dataset.x_test) == 120
    report = load_report(workspace, "flowers-1")
    assert report is not None and len(report.left_out) == 6
    assert not list(workspace.uploads.glob("*/*"))
    tile = page.get_by_role("button", name="roses: training picture 1", exact=True)
    tile.click()
    expect(page.locator("dialog p")).to_have_text("roses: training picture 1")
    page.keyboard.press("ArrowRight")
    expect(page.locator("dialog p")).to_have_text("roses: training picture 2")
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    train.click()
    expect(page.get_by_role("heading", name="Design").first).to_be_visible()
    start = page.get_by_role("button", name="Start training")
    expect(start).to_be_enabled()
    start.click()
    with Store(workspace) as store:
        run = wait_for(lambda: next(iter(store.list_runs()), None), message="the run to be queued")
    assert run.dataset == "flowers-1"


def test_an_upload_can_be_cancelled(server, workspace, page: Page, tmp_path, complaints, wait_for) -> None:
    path = large_zip(tmp_path / "flowers.zip")
    page.route("**/api/v1/uploads/*?offset=3000000", lambda route: None)  # never answered
    open_form(page, server)
    page.locator("input.file").set_input_files(path)
    expect(page.get_by_text("3 of 30 MB")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    wait_for(lambda: not list(workspace.uploads.glob("*/*")), message="what had arrived to be removed")
    complaints.clear()


def test_what_is_refused_is_said_and_another_can_be_chosen(server, page: Page, tmp_path, complaints) -> None:
    open_form(page, server)
    (tmp_path / "a.zip").write_bytes(b"")
    page.locator("input.file").set_input_files(tmp_path / "a.zip")
    expect(page.get_by_role("alert")).to_have_text("a.zip is empty.")
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    complaints.clear()  # Chromium reports the 400


def test_a_folder_keeps_its_classes(server, workspace, page: Page, tmp_path) -> None:
    for name, data in pictures("Tiere/hund/ö", "Tiere/katze", count=10).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    open_form(page, server)
    page.locator("input.folder").set_input_files(tmp_path / "Tiere")
    expect(page.get_by_label("Name", exact=True)).to_have_value("tiere")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Train on it")).to_be_in_viewport()
    assert load_dataset(workspace, "tiere").class_names == ("hund", "katze")


def files_of(folder: Path, *names: str, count: int = 8) -> dict[str, list[Path]]:
    """Pictures by class, as files that are called `one-0.png`."""
    files: dict[str, list[Path]] = {}
    for name, data in pictures(*names, count=count).items():
        path = folder / name.replace("/", "-")
        path.write_bytes(data)
        files.setdefault(name.partition("/")[0], []).append(path)
    return files


def open_boxes(page: Page, server: Server) -> None:
    open_form(page, server)
    page.get_by_text("Collect pictures class by class").click()
    expect(page.get_by_role("button", name="Use these pictures")).to_be_visible()


def test_pictures_are_collected_class_by_class(server, workspace, page: Page, tmp_path) -> None:
    files = files_of(tmp_path, "one", "two")
    open_boxes(page, server)
    use, alert = page.get_by_role("button", name="Use these pictures"), page.get_by_role("alert")
    choosers = page.locator("section input[type=file]")
    page.get_by_label("Name of class 1").fill("a/b")
    choosers.nth(0).set_input_files(files["one"])
    use.click()
    expect(alert).to_have_text("Class 2 has no pictures. Add some.")
    page.get_by_role("button", name="Add a class").click()
    expect(alert).to_be_hidden()
    choosers.nth(1).set_input_files(files["two"])
    use.click()
    expect(alert).to_have_text("Class 3 has no pictures. Add some, or remove the class.")
    page.get_by_role("button", name="Remove", exact=True).nth(2).click()
    expect(alert).to_be_hidden()
    page.locator(".thumb canvas").first.click()
    expect(page.get_by_text("8 pictures")).to_have_count(2)
    page.get_by_role("button", name="Remove one-0.png").click()
    expect(page.get_by_text("7 pictures")).to_be_visible()
    use.click()
    expect(page.get_by_label("Name", exact=True)).to_have_value("my-pictures")
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Train on it")).to_be_in_viewport()
    dataset = load_dataset(workspace, "my-pictures")
    assert dataset.class_names == ("Class 2", "a-b")
    assert len(dataset.x_train) + len(dataset.x_test) == 15
    page.get_by_text("Add your own pictures").click()
    page.get_by_text("Collect pictures class by class").click()
    expect(page.get_by_text("0 pictures")).to_have_count(2)


def test_collected_pictures_stay_until_they_are_imported(server, workspace, page: Page, tmp_path) -> None:
    files = files_of(tmp_path, "one", "two")
    cut_off, empty = tmp_path / "cut-off.png", tmp_path / "empty.jpg"
    cut_off.write_bytes(noise(1)[:60])
    empty.write_bytes(b"")
    open_boxes(page, server)
    names, choosers = page.locator("section .name"), page.locator("section input[type=file]")
    names.nth(0).fill("roses")
    choosers.nth(0).set_input_files([*files["one"], cut_off, empty])
    choosers.nth(1).set_input_files(files["two"])
    expect(page.get_by_text("2 pictures cannot be read.")).to_be_visible()
    page.get_by_role("button", name="Remove empty.jpg").click()
    # Another page, all of them away and back.
    page.get_by_role("link", name="Home").first.click()
    page.get_by_role("link", name="Datasets").first.click()
    page.get_by_role("button", name="Empty all").click()
    expect(page.get_by_text("0 pictures")).to_have_count(2)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("9 pictures")).to_be_visible()
    expect(names.nth(0)).to_have_value("roses")
    page.get_by_role("button", name="Use these pictures").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_text("1 of 17 pictures cannot be read")).to_contain_text(
        "Press “Change the pictures” to"
    )
    page.get_by_role("button", name="Change the pictures").click()
    expect(names.nth(0)).to_have_value("roses")
    page.get_by_role("button", name="Remove it").click()
    expect(page.get_by_text("8 pictures")).to_have_count(2)
    page.get_by_role("button", name="Use these pictures").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Train on it")).to_be_in_viewport()
    assert load_dataset(workspace, "my-pictures").class_names == ("Class 2", "roses")


def test_a_camera_that_is_not_allowed_is_said_in_its_box(server, page: Page) -> None:
    # As over http from another machine, where browsers have no `mediaDevices`.
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    open_boxes(page, server)
    page.get_by_role("button", name="Camera", exact=True).nth(0).click()
    expect(page.locator("section").nth(0).get_by_role("alert")).to_contain_text(
        "localhost and with https only"
    )


def test_pictures_are_taken_with_the_camera(server, workspace, page_with_camera: Page) -> None:
    page = page_with_camera
    open_form(page, server)
    page.get_by_text("Collect pictures class by class").click()
    for number in (0, 1):
        page.get_by_role("button", name="Camera", exact=True).nth(number).click()
        record = page.get_by_role("button", name="Hold to record").locator("visible=true")
        expect(record).to_be_visible()
        record.hover()
        page.mouse.down()
        section = page.locator("section").nth(number)
        expect(section.locator(".thumbs canvas").nth(7)).to_be_attached()
        page.mouse.up()
        page.get_by_role("button", name="Close the camera").locator("visible=true").click()
    page.get_by_role("button", name="Use these pictures").click()
    page.get_by_role("button", name="Import", exact=True).click()
    expect(page.get_by_role("button", name="Train on it")).to_be_in_viewport()
    assert load_dataset(workspace, "my-pictures").class_names == ("Class 1", "Class 2")


@pytest.fixture
def page_with_camera(browser):
    """A tab of a browser with a camera that shows a clock."""
    made = browser.browser_type.launch(
        executable_path=shutil.which("chromium") or shutil.which("chromium-browser"),
        args=[*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
    )
    tab = made.new_page()
    tab.set_default_timeout(PATIENCE_MS)
    yield tab
    made.close()
