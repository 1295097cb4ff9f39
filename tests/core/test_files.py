"""Files that are written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest

from engine.core.files import write_text


def test_a_file_is_replaced_with_its_mode_and_nothing_else_is_left(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("before")
    file.chmod(0o640)
    write_text(file, "after é")
    assert file.read_text(encoding="utf-8") == "after é"
    assert file.stat().st_mode & 0o777 == 0o640
    assert [*tmp_path.iterdir()] == [file]


@pytest.mark.parametrize("call", ["engine.core.files.new_file", "pathlib.Path.replace"])
def test_a_full_disk_leaves_the_former_file(tmp_path: Path, call: str) -> None:
    file = tmp_path / "page.html"
    file.write_text("before")
    with patch(call, side_effect=OSError(28, "No space left")), pytest.raises(OSError, match="No space"):
        write_text(file, "after")
    assert file.read_text() == "before"
    assert [*tmp_path.iterdir()] == [file]


def test_a_link_stays_and_a_device_is_written_as_it_is(tmp_path: Path) -> None:
    file, link = tmp_path / "kept", tmp_path / "link"
    file.write_text("before")
    link.symlink_to(file)
    write_text(link, "after")
    assert link.is_symlink()
    assert file.read_text() == "after"
    write_text("/dev/null", "gone")
    assert Path("/dev/null").is_char_device()
