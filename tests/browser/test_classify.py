"""Classify as a person uses it: a frame dragged over a picture, a drawing, four runs by a link, a zip with progress."""

import io
import math
import re
import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from core.store.store import Store
from core.workspace import Workspace
from tests.server import Server
from tests.uneven import Uneven

LOADING = 200  # pixels of a picture that the browser has not loaded: no fewer than it has of any
LEFT, RIGHT = (200, 30, 30), (30, 30, 200)


@pytest.fixture(scope="module")
def workspace(uneven: Uneven) -> Iterator[Workspace]:
    """One with four finished runs that read 16×16 grey pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CONVDECK_HOME", str(uneven.workspace.root))
        yield uneven.workspace


@pytest.fixture
def runs(uneven: Uneven) -> list[str]:
    """The page's own first."""
    with Store(uneven.workspace) as store:
        others = [run.id for run in store.list_runs() if run.id != uneven.run_id]
    return [uneven.run_id, *others[:3]]


def encoded(pixels: np.ndarray, kind: str = "PNG", **settings: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **settings)
    return buffer.getvalue()


PIXELS_OF = """image => {
  const canvas = document.createElement("canvas")
  canvas.width = image.naturalWidth
  canvas.height = image.naturalHeight
  const context = canvas.getContext("2d")
  context.drawImage(image, 0, 0)
  return image.complete ? [...context.getImageData(0, 0, canvas.width, canvas.height).data] : []
}"""


def seen(picture: Locator) -> np.ndarray:
    """The grey of each pixel of a square picture, as the browser has it; all 0 as long as it has none."""
    values = np.array(picture.evaluate(PIXELS_OF), np.uint8).reshape(-1, 4)[:, 0]
    side = math.isqrt(len(values))
    return values.reshape(side, side) if side else np.zeros((LOADING, LOADING), np.uint8)


def two_halves() -> bytes:
    """A JPEG, 400×200 once it is upright; left and right differ. A camera turned it."""
    pixels = np.empty((200, 400, 3), np.uint8)
    pixels[:, :200], pixels[:, 200:] = LEFT, RIGHT
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90° clockwise
    return encoded(np.rot90(pixels), "JPEG", quality=95, exif=exif)


def test_the_part_under_the_frame_is_what_the_network_sees(server: Server, runs, page: Page) -> None:
    page.goto(f"{server.url}/classify?run={runs[0]}")
    page.locator('input[type="file"]').set_input_files(
        [{"name": "halves.jpg", "mimeType": "image/jpeg", "buffer": two_halves()}]
    )
    whole = page.get_by_alt_text("halves.jpg: the 16×16 pixels that the network sees")
    expect(whole).to_be_visible()
    expect(page.get_by_alt_text("halves.jpg: the original")).to_be_visible()
    wait_until(page, lambda: len(np.unique(seen(whole))) > 1)

    page.get_by_role("button", name="Crop", exact=True).click()
    dialog = page.get_by_role("dialog")
    stage, frame = dialog.locator(".stage"), dialog.get_by_role("slider")
    expect(frame).to_have_attribute(
        "aria-valuetext", "50 % of the width, 25 % from the left, 0 % from the top"
    )
    area = stage.bounding_box()
    # From the bottom right corner towards the middle, and then what is left of it to the left edge.
    corner = frame.bounding_box()
    page.mouse.move(corner["x"] + corner["width"] - 6, corner["y"] + corner["height"] - 6)
    page.mouse.down()
    page.mouse.move(corner["x"] + 0.5 * corner["width"], corner["y"] + 0.5 * corner["height"], steps=4)
    page.mouse.up()
    expect(frame).to_have_attribute("aria-valuenow", re.compile("^(49|5[0-2])$"))
    corner = frame.bounding_box()
    page.mouse.move(corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2)
    page.mouse.down()
    page.mouse.move(area["x"] + 5, corner["y"] + corner["height"] / 2, steps=4)
    page.mouse.up()
    expect(frame).to_have_attribute("aria-valuetext", re.compile(r" 0 % from the left, 0 % from the top"))
    part = dialog.get_by_alt_text("halves.jpg: what the network sees of this part")
    grey = round(float(np.dot(LEFT, (0.299, 0.587, 0.114))))
    expect(part).to_be_visible()

    def has_only_the_left() -> bool:
        return bool(np.abs(seen(part).astype(int) - grey).max() <= 4)

    wait_until(page, has_only_the_left)

    # By keys: to the other end, and smaller.
    frame.focus()
    for _ in range(20):
        page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("-")
    expect(frame).to_have_attribute("aria-valuetext", re.compile(r"^2[2-5] % of the width, 7[4-6] %"))
    other = round(float(np.dot(RIGHT, (0.299, 0.587, 0.114))))
    wait_until(page, lambda: bool(np.abs(seen(part).astype(int) - other).max() <= 4))
    dialog.get_by_role("button", name="Use this part").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Cropped")).to_be_visible()
    wait_until(page, lambda: bool(np.abs(seen(whole).astype(int) - other).max() <= 4))

    # It is there again, and can be taken away.
    page.get_by_role("button", name="Cropped").click()
    expect(frame).to_have_attribute("aria-valuetext", re.compile(r"^2[2-5] % of the width, 7[4-6] %"))
    dialog.get_by_role("button", name="Without a frame").click()
    wait_until(page, lambda: len(np.unique(seen(part))) > 1)
    dialog.get_by_role("button", name="Use this part").click()
    expect(page.get_by_role("button", name="Crop", exact=True)).to_be_visible()


def wait_until(page: Page, condition) -> None:
    for _ in range(600):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError(condition)


def test_what_is_drawn_is_answered_stroke_by_stroke(server: Server, runs, page: Page) -> None:
    page.goto(f"{server.url}/classify?run={runs[0]}")
    page.get_by_text("Draw", exact=True).click()
    pad = page.get_by_role("img", name="Drawing pad")
    area = pad.bounding_box()

    def stroke(*points: tuple[float, float]) -> None:
        for index, (x, y) in enumerate(points):
            page.mouse.move(area["x"] + x * area["width"], area["y"] + y * area["height"], steps=3)
            if index == 0:
                page.mouse.down()
        page.mouse.up()

    stroke((0.2, 0.5), (0.8, 0.5))
    drawn = page.get_by_alt_text("drawing: the 16×16 pixels that the network sees")
    expect(drawn).to_be_visible()
    # These runs read grey pictures: in white on black.
    wait_until(page, lambda: seen(drawn).any())
    first = seen(drawn)
    side = len(first)
    assert first[side // 2, side // 2] > 120 and first[2, 2] < 20
    stroke((0.5, 0.1), (0.5, 0.9))
    wait_until(page, lambda: seen(drawn)[side // 5, side // 2] > 120)
    page.get_by_role("button", name="Undo").click()
    wait_until(page, lambda: np.array_equal(seen(drawn), first))
    page.get_by_role("button", name="Swap colours").click()
    wait_until(page, lambda: seen(drawn)[2, 2] > 235)
    page.get_by_role("button", name="Clear").click()
    expect(drawn).to_have_count(0)


def test_four_runs_side_by_side_by_a_link_with_variants(server: Server, runs, page: Page) -> None:
    page.goto(f"{server.url}/classify?run={runs[0]}")
    picture = encoded(np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8))
    for number in range(3):
        page.get_by_role("combobox", name="Beside it").click()
        page.get_by_role("option").filter(has_text="(leaves").first.click()
        expect(page).to_have_url(re.compile(rf"with=\w+((%2C|,)\w+){{{number}}}$"))
    page.keyboard.press("Escape")
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    page.locator('input[type="file"]').set_input_files(
        [{"name": "a.png", "mimeType": "image/png", "buffer": picture}]
    )
    expect(page.get_by_alt_text("a.png: the 16×16 pixels that the network sees")).to_be_visible()
    page.get_by_text("Vary the picture", exact=True).click()
    expect(page.get_by_text(re.compile(r"\d+ of 16 variants keep the answer"))).to_have_count(4)
    expect(page.locator("ul.spread")).to_have_count(4)
    expect(page.locator("ul.spread").first.locator("li").first).to_have_text(
        re.compile(r"^\w+ [\d.]+\s%\s±\s[\d.]+$")
    )
    boxes = [page.locator("ul.spread").nth(place).bounding_box() for place in range(4)]
    assert len({round(box["x"]) for box in boxes}) == 4
    assert max(box["y"] for box in boxes) - min(box["y"] for box in boxes) < 60  # names may take two lines


def test_a_zip_is_answered_with_progress(server: Server, runs, page: Page, tmp_path) -> None:
    generator = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for number in range(600):
            pixels = generator.integers(0, 256, (300, 400, 3)).astype(np.uint8)
            archive.writestr(f"photos/{number:03d}.jpg", encoded(pixels, "JPEG", quality=60))
        archive.writestr("photos/damaged.png", encoded(pixels)[:60])
        archive.writestr("readme.txt", "hello")
    page.goto(f"{server.url}/classify?run={runs[0]}")
    page.get_by_text("Folder or zip", exact=True).click()
    page.locator("input.file").set_input_files(tmp_path / "many.zip")
    expect(page.get_by_text(re.compile(r"^\d+ of 601 pictures$"))).to_be_visible()
    expect(page.get_by_text("The first 24 of 601 pictures as cards")).to_be_visible()
    expect(page.get_by_text("Left out: readme.txt is not a picture.")).to_be_visible()
    expect(page.get_by_alt_text(re.compile("16×16 pixels that the network sees"))).to_have_count(24)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    rows = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(rows) == 602
    assert rows[1].startswith("photos/000.jpg,") and rows[-1].startswith("photos/damaged.png,,,,")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("Drop a .zip or a folder of pictures here")).to_be_visible()


def test_a_folder_is_packed_by_the_browser(server: Server, runs, page: Page, tmp_path) -> None:
    for number in range(3):
        path = tmp_path / "mine" / "deep" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(np.full((20, 20, 3), 40 * number, np.uint8)))
    page.goto(f"{server.url}/classify?run={runs[0]}")
    page.get_by_text("Folder or zip", exact=True).click()
    page.locator("input.folder").set_input_files(tmp_path / "mine")
    for number in range(3):
        expect(
            page.get_by_alt_text(f"mine/deep/{number}.png: the 16×16 pixels that the network sees")
        ).to_be_visible()


def test_pictures_and_a_drawing_are_there_again_on_coming_back(server: Server, runs, page: Page) -> None:
    page.goto(f"{server.url}/classify?run={runs[1]}")
    # Without an ending: the field has no list of endings, and the decoder says what it cannot read.
    assert not page.locator('input[type="file"]').get_attribute("accept")
    page.locator('input[type="file"]').set_input_files(
        [
            {"name": "halves", "mimeType": "", "buffer": two_halves()},
            {"name": "notes.heic", "mimeType": "", "buffer": b"no picture"},
        ]
    )
    expect(page.get_by_alt_text("halves: the original")).to_be_visible()
    expect(page.get_by_text("notes.heic is not a picture in")).to_be_visible()
    leave_and_come_back(page)
    expect(page.get_by_alt_text("halves: the original")).to_be_visible()
    expect(page).to_have_url(re.compile(f"run={runs[1]}"))

    page.get_by_text("Draw", exact=True).click()
    area = page.get_by_label("Drawing pad").bounding_box()
    page.mouse.move(area["x"] + 40, area["y"] + 140)
    page.mouse.down()
    page.mouse.move(area["x"] + 240, area["y"] + 140, steps=4)
    page.mouse.up()
    expect(page.get_by_alt_text("drawing: the original")).to_be_visible()
    leave_and_come_back(page)
    expect(page.get_by_alt_text("drawing: the original")).to_be_visible()
    page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.get_by_alt_text("drawing: the original")).to_have_count(0)


def leave_and_come_back(page: Page) -> None:
    page.get_by_role("link", name="Design", exact=True).click()
    expect(page.get_by_role("heading", name="Design").first).to_be_visible()
    page.get_by_role("link", name="Classify", exact=True).click()
    expect(page.get_by_role("heading", name="Classify").first).to_be_visible()
