"""A file is written whole or left as it was."""

from pathlib import Path

import pytest

from tasks.io import files


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"yesterday's, and longer")
    files.write_whole(path, b"today's")
    assert path.read_bytes() == b"today's"
    assert [left.name for left in tmp_path.iterdir()] == ["page.html"]


def test_a_file_that_cannot_be_written_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(b"yesterday's")

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as out:
            out.write(data[: len(data) // 2])
        msg = "no space left on device"
        raise OSError(msg)

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OSError, match="no space"):
        files.write_whole(path, b"today's page")
    assert path.read_bytes() == b"yesterday's"
