"""Logs of helper processes: appended to, and of a bounded size."""

from core.system.files import MAX_LOG_BYTES, open_log


def test_a_log_is_appended_to_until_it_is_large(tmp_path) -> None:
    path = tmp_path / "engine.log"
    for _ in range(2):
        with open_log(path) as log:
            log.write(b"x" * (MAX_LOG_BYTES // 2 + 1))
    with open_log(path) as log:
        log.write(b"new")
    assert path.read_bytes() == b"new"
    assert (tmp_path / "engine.old.log").stat().st_size == MAX_LOG_BYTES + 2
