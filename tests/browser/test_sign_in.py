"""Signing in as a person does it, on a telephone too."""

import pytest
from playwright.sync_api import Page, expect

from tests.server import UNHURRIED, running_server

SECRET = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory):
    """A server with a key, under the name of this computer that is in no list of names."""
    root = tmp_path_factory.mktemp("sign-in") / "workspace"
    with running_server(root, UNHURRIED, environment={"CONVDECK_TOKEN": SECRET}) as running:
        yield running.url.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390), ("light", 320)])
def test_a_person_signs_in_once_and_out_again(
    url: str, page: Page, complaints: list[str], theme: str, width: int
) -> None:
    page.emulate_media(color_scheme=theme)
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{url}/runs?filter=mine")
    field = page.get_by_label("Key")
    expect(field).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    field.fill("something else")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the key")
    assert field.input_value() == "" and SECRET not in page.content()
    field.fill(SECRET)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Runs").first).to_be_visible()
    assert "/runs?filter=mine" in page.url and SECRET not in page.url
    assert page.evaluate("document.cookie").count("convdeck") == 0  # no script reads it

    page.goto(f"{url}/")
    expect(page.get_by_role("heading").first).to_be_visible()
    page.goto(f"{url}/system")
    page.get_by_role("link", name="Sign out").click()
    page.wait_for_url(f"{url}/sign-out")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Key")).to_be_visible()
    assert all("401 (Unauthorized)" in complaint for complaint in complaints)
    complaints.clear()
