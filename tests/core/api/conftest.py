"""Every answer that a test of REST gets is one that the server's own description has."""

from urllib.parse import unquote, urlsplit

import pytest
from starlette.testclient import TestClient

from tests.core.api.described import check_answer


@pytest.fixture(autouse=True)
def answers_as_described(monkeypatch: pytest.MonkeyPatch) -> None:
    request = TestClient.request

    def checked(self, method, url, *arguments, **named):
        answer = request(self, method, url, *arguments, **named)
        check_answer(method, unquote(urlsplit(str(url)).path), answer)
        return answer

    monkeypatch.setattr(TestClient, "request", checked)
