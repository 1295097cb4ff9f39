"""Licences: what is not on the list is refused, and so is none at all."""

from __future__ import annotations

from email.message import Message

import pytest

from tools.licences import is_allowed, refusal


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 OR BSD-3-Clause", True),
        ("MIT AND PSF-2.0", True),
        ("(MIT OR GPL-3.0-only) AND ISC", True),
        ("GPL-3.0-only OR MIT", True),
        ("LGPL-3.0-only", True),
        ("MPL-2.0", True),
        ("GPL-3.0-only", False),
        ("AGPL-3.0-or-later", False),
        ("LGPL-3.0-only AND GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only AND Elastic-2.0", True),
        ("(MIT OR GPL-3.0-only) AND Elastic-2.0", False),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("CC-BY-NC-4.0", False),
        ("PolyForm-Noncommercial-1.0.0", False),
        ("BUSL-1.1", False),
        ("SSPL-1.0", False),
        ("LicenseRef-Proprietary", False),
        ("mit or nothing", False),
        ("MIT,GPL-3.0-only", False),
        ("MIT AND", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT MIT", False),
        ("", False),
    ],
)
def test_an_expression(expression: str, allowed: bool) -> None:
    assert is_allowed(expression) is allowed


def said(*lines: str) -> Message:
    message = Message()
    for line in lines:
        name, text = line.split(": ", 1)
        message[name] = text
    return message


MIT = "Classifier: License :: OSI Approved :: MIT License"


@pytest.mark.parametrize(
    ("lines", "allowed"),
    [
        (["License-Expression: MIT"], True),
        (["License-Expression: GPL-3.0-only", MIT], False),
        ([MIT], True),
        (["License: MIT License"], True),
        (["License: Apache 2.0", MIT], True),
        (["Classifier: License :: OSI Approved :: The Unlicense (Unlicense)"], True),
        (["License: UNKNOWN", MIT], True),
        (["License: Copyright (c) 2025 Somebody", MIT], True),
        (["License: Copyright (c) 2025 Somebody"], False),
        (["License: Proprietary"], False),
        (["License: Proprietary", MIT], False),
        ([MIT, "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)"], False),
        (["Classifier: License :: Free for non-commercial use"], False),
        (["Classifier: License :: OSI Approved"], False),
        (["License: UNKNOWN"], False),
        (["Classifier: Programming Language :: Python"], False),
        ([], False),
    ],
)
def test_what_a_package_says(lines: list[str], allowed: bool) -> None:
    assert (refusal("somebody", said(*lines)) is None) is allowed  # type: ignore[arg-type]


def test_a_package_whose_licence_file_was_read() -> None:
    assert refusal("peewee", said()) is None  # type: ignore[arg-type]
