"""What a page may load, who may show it in a frame, and who may open its websocket, in a real browser."""

import http.server
import io
import threading
from collections.abc import Iterator

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from core.onboarding.example import EXAMPLE_ID
from tests.browser.waiting import wait_for_script, wait_until_drawn
from tests.server import UNHURRIED, Server, running_server

PAGES = ("", "design", "augment", "runs", "studies", "notebook", "classify", "datasets", "system", "lesson")
NOTE_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`)
})
"""
FOREIGN_PAGE = """<!DOCTYPE html><title>Another site</title><iframe src="{url}"></iframe><script>
const socket = new WebSocket("{url}/_stcore/stream".replace("http", "ws"), ["streamlit"])
socket.onopen = () => document.title = "opened"
socket.onerror = () => document.title = "refused"
</script>"""


@pytest.fixture(scope="module")
def example_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One with the finished run that comes with ConvDeck, so that every page has charts and tables."""
    root = tmp_path_factory.mktemp("policy") / "workspace"
    with running_server(root, UNHURRIED, environment={"CONVDECK_EXAMPLE": "on"}) as running:
        yield running


@pytest.fixture
def strict_page(page: Page) -> Page:
    """A page that complains of what the policy refuses, also where its scripts do without it."""
    page.add_init_script(NOTE_VIOLATIONS)
    return page


def visit(page: Page, server: Server, path: str) -> None:
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_role("heading").first).to_be_visible()
    wait_until_drawn(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_does_with_what_the_policy_lets_it_load(
    example_server: Server, strict_page: Page, theme: str
) -> None:
    strict_page.emulate_media(color_scheme=theme)
    for path in PAGES:
        visit(strict_page, example_server, path)
    visit(strict_page, example_server, "runs")
    expect(strict_page.locator("svg.marks").first).to_be_visible()


def test_camera_upload_download_and_drawing_do_too(example_server: Server, strict_page: Page) -> None:
    page = strict_page
    visit(page, example_server, "classify")
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "#c02020").save(picture, "PNG")
    page.locator('input[type="file"]').set_input_files(
        {"name": "red.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    expect(page.get_by_text("red.png").first).to_be_visible()
    page.get_by_text("Camera", exact=True).click()
    wait_for_script(page, "document.querySelector('video')?.videoWidth > 0")
    page.get_by_role("button", name="Take Photo").click()
    expect(page.get_by_alt_text("camera: the 32×32 pixels", exact=False)).to_be_visible()

    visit(page, example_server, f"runs?run={EXAMPLE_ID}")
    page.get_by_test_id("stPopover").get_by_text("Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Settings as JSON").click()
    assert download.value.failure() is None

    visit(page, example_server, "design")
    expect(page.get_by_role("img", name="The network to scale")).to_be_visible()


def test_another_site_frames_no_page_and_opens_no_websocket(
    example_server: Server, page: Page, complaints: list[str]
) -> None:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(FOREIGN_PAGE.format(url=example_server.url).encode())

        def log_message(self, *_: object) -> None:
            """Quietly."""

    # Another port of this computer is another site too; Streamlit alone would let it in.
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        page.goto(f"http://127.0.0.1:{other.server_port}/")
        expect(page).to_have_title("refused")
        other.shutdown()
    assert all(frame.url != f"{example_server.url}/" for frame in page.frames)
    assert any("frame" in complaint.lower() for complaint in complaints)
    complaints.clear()
