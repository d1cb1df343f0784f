from core.workspace import disk_usage


def test_sizes_are_those_of_the_files(workspace):
    (workspace.datasets / "toy").mkdir()
    (workspace.datasets / "toy" / "x.npy").write_bytes(b"x" * 1000)
    (workspace.runs / "a" / "deep").mkdir(parents=True)
    (workspace.runs / "a" / "deep" / "w.h5").write_bytes(b"x" * 300)
    workspace.database.write_bytes(b"x" * 20)

    usage = disk_usage(workspace)

    assert (usage.datasets, usage.runs, usage.database) == (1000, 300, 20)
    assert 0 < usage.free < usage.total


def test_a_link_out_of_the_workspace_is_not_followed(workspace, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 100_000)
    (workspace.datasets / "link").symlink_to(outside, target_is_directory=True)

    assert disk_usage(workspace).datasets < 1000
