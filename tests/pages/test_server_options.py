"""What the middleware learns of Streamlit."""

from types import SimpleNamespace

from streamlit import config
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.server.access import AccessMiddleware
from core.server.bodies import BodyMiddleware
from pages.components.kit import server_options


def test_whoever_has_no_key_gets_as_far_as_that() -> None:
    """What all bodies together may have is not used up by those who cannot sign in."""
    assert [each.cls for each in server_options.middleware(None)] == [AccessMiddleware, BodyMiddleware]


def test_what_streamlit_keeps_of_uploads_is_counted(monkeypatch) -> None:
    manager = MemoryUploadedFileManager("/_stcore/upload_file")
    monkeypatch.setattr(server_options, "get_instance", lambda: SimpleNamespace(uploaded_file_mgr=manager))
    assert server_options.kept_bytes(None) == server_options.kept_bytes("one") == 0
    for session, file, size in (("one", "a", 10), ("one", "b", 5), ("two", "a", 3), ("one", "a", 7)):
        manager.add_file(session, UploadedFileRec(file, "x.png", "image/png", bytes(size)))
    assert [server_options.kept_bytes(session) for session in (None, "one", "two", "three")] == [15, 12, 3, 0]
    manager.remove_session_files("one")
    assert server_options.kept_bytes(None) == 3


def test_with_a_key_every_name_is_allowed_also_when_the_file_is_read_again(monkeypatch) -> None:
    before = config.get_option("server.allowedHosts")
    read_again = []
    monkeypatch.setattr(config, "on_config_parsed", lambda run, force_connect: read_again.append(run))
    try:
        config.set_option("server.allowedHosts", ["localhost"])
        server_options.allow_every_host()
        assert list(server_options.allowed_hosts()) == []
        config.set_option("server.allowedHosts", ["localhost"])
        read_again[0]()
        assert list(server_options.allowed_hosts()) == []
    finally:
        config.set_option("server.allowedHosts", before)
