"""Two who change at once whom a service trusts do not undo each other's work, and a change that fails leaves everything as it was."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.federation import Body

from shared.errors import ConfigError, Missing
from shared.trust.anchors import TrustAnchors, render_trust
from shared.web.trust_file import TrustFile, change


def test_many_hands_add_at_once(tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    pins = [Body(f"https://{number}.example").pin() for number in range(24)]
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(lambda pin: change(file, lambda trust: trust.add_federation(pin)), pins))
    assert {each.entity for each in TrustFile(file).read().federation} == {each.entity for each in pins}
    with ThreadPoolExecutor(8) as hands:
        list(hands.map(lambda pin: change(file, lambda trust: trust.remove_federation(pin.entity)), pins[1:]))
    assert TrustFile(file).read().federation == tuple(pins[:1])


def test_what_fails_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "trust.json"
    with pytest.raises(Missing):
        change(file, lambda trust: trust.remove_federation("https://nobody.example"))
    assert not file.exists()
    file.write_bytes(b"{")
    with pytest.raises(ConfigError):
        change(file, lambda trust: trust)
    assert file.read_bytes() == b"{"
    file.write_bytes(render_trust(TrustAnchors()))
    with pytest.raises(ConfigError):
        change(tmp_path / "nowhere" / "trust.json", lambda trust: trust)
    (tmp_path / ".trust.json.new").mkdir()
    with pytest.raises(ConfigError):
        change(file, lambda trust: trust)
    assert TrustFile(file).read() == TrustAnchors()
