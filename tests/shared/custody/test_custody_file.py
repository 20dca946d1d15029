"""The sealed key file: nothing readable, nothing changed unseen, nothing lost."""

from __future__ import annotations

import asyncio
import json
import os
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.clock import system_entropy
from shared.custody import open_custodian
from shared.custody._envelope import Cost, unseal
from shared.custody.file import FileCustodian
from shared.errors import ConfigError, Conflict, Missing, Unavailable
from shared.keys import KeyId, Role, Unsigned

CHEAP = Cost(iterations=1, lanes=1, memory_kib=1024)
ISSUER, REFERENCES = KeyId("issuer"), KeyId("references")


def opened(path: Path, passphrase: bytes = b"correct horse") -> FileCustodian:
    return FileCustodian(path, entropy=system_entropy, passphrase=passphrase, cost=CHEAP)


def unsigned(key: KeyId = ISSUER) -> Unsigned[bytes]:
    return Unsigned(key=key, typ="vc+jwt", signing_input=b"input", complete=lambda signature: signature)


def content(path: Path) -> bytes:
    return path.read_bytes()


def names_beside(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A file with two keys."""
    custodian = opened(tmp_path / "keys")
    await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER)
    await custodian.create(REFERENCES, Role.MAC)
    return tmp_path / "keys"


async def test_keys_outlive_the_process(path: Path) -> None:
    first, second = opened(path), opened(path)
    assert second.roles() == {ISSUER: Role.CREDENTIAL_ISSUER, REFERENCES: Role.MAC}
    (await first.public(ISSUER)).verify(await second.sign(unsigned()), b"input")
    assert await first.mac(REFERENCES, b"x") == await second.mac(REFERENCES, b"x")


def test_the_file_tells_its_parameters_and_no_secret(path: Path) -> None:
    outer = json.loads(path.read_bytes())
    assert outer["format"] == "muniment-keys/1"
    assert {name: outer["kdf"][name] for name in ("name", "iterations", "lanes", "memory_kib")} == {
        "name": "argon2id",
        "iterations": 1,
        "lanes": 1,
        "memory_kib": 1024,
    }
    for word in (b"issuer", b"references", b"correct"):
        assert word not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert names_beside(path) == ["keys"]


def test_the_default_cost_is_rfc_9106s() -> None:
    assert Cost() == Cost(iterations=3, lanes=4, memory_kib=65536)


async def test_through_the_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uri = f"file://{tmp_path}/a%20key"
    custodian = open_custodian(uri, entropy=system_entropy, passphrase=b"p")
    await custodian.create(ISSUER, Role.CREDENTIAL_ISSUER)
    again = open_custodian("file:a%20key", entropy=system_entropy, passphrase=b"p")
    assert await again.public(ISSUER) == await custodian.public(ISSUER)
    for wrong in ("file:", "file://host/keys", "file:keys?x", "file:keys#x"):
        with pytest.raises(ConfigError):
            open_custodian(wrong, entropy=system_entropy, passphrase=b"p")


@pytest.mark.parametrize("passphrase", [None, b""])
def test_without_a_passphrase(tmp_path: Path, passphrase: bytes | None) -> None:
    with pytest.raises(ConfigError, match="needs a passphrase"):
        open_custodian(f"file://{tmp_path}/keys", entropy=system_entropy, passphrase=passphrase)


def test_a_wrong_passphrase(path: Path) -> None:
    for wrong in (b"correct horsf", b"correct horse ", b"x"):
        with pytest.raises(ConfigError, match="wrong passphrase"):
            opened(path, wrong)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_file_that_others_can_read(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ConfigError, match="chmod 600"):
        opened(path)


def test_a_file_of_somebody_else(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid() == 0:
        os.chown(path, 65534, -1)
    else:  # only root can give a file away
        monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="its owner must be this user"):
        opened(path)


def test_what_is_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("folder", "pipe"):
        with pytest.raises(ConfigError):
            opened(tmp_path / name)


async def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot open the folder"):
        await opened(tmp_path / "missing" / "keys").create(ISSUER, Role.CREDENTIAL_ISSUER)


def test_every_member_is_bound(path: Path) -> None:
    outer = json.loads(path.read_bytes())
    other = {"salt": "A" * 22, "check": "A" * 22, "iterations": 2, "lanes": 2, "memory_kib": 2048, "name": "scrypt"}
    changed = [{**outer, "kdf": {**outer["kdf"], name: value}} for name, value in other.items()]
    changed += [{**outer, "format": "muniment-keys/2"}, {**outer, "nonce": "A" * 16}, {**outer, "sealed": "A" * len(outer["sealed"])}]
    changed += [{name: value for name, value in outer.items() if name != gone} for gone in outer]
    for wrong in changed:
        path.write_text(json.dumps(wrong))
        with pytest.raises(ConfigError):
            opened(path)


def test_a_damaged_ciphertext_is_told_from_a_wrong_passphrase(path: Path) -> None:
    outer = json.loads(path.read_bytes())
    outer["sealed"] = ("B" if outer["sealed"][0] == "A" else "A") + outer["sealed"][1:]
    path.write_text(json.dumps(outer))
    with pytest.raises(ConfigError, match="was changed or is damaged"):
        opened(path)


@pytest.mark.parametrize(
    ("name", "value"), [("iterations", 10**9), ("memory_kib", 2**40), ("lanes", 10**6), ("iterations", 0), ("memory_kib", 8)]
)
def test_a_cost_without_bounds(path: Path, name: str, value: int) -> None:
    outer = json.loads(path.read_bytes())
    outer["kdf"][name] = value
    path.write_text(json.dumps(outer))
    with pytest.raises(ConfigError, match=name):
        opened(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None, max_examples=200)
@given(
    data=st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["format", "kdf", "nonce", "sealed", "name", "salt"]), inner),
        max_leaves=8,
    ).map(lambda value: json.dumps(value).encode())
)
def test_any_other_bytes(data: bytes) -> None:
    with pytest.raises(ConfigError):
        unseal(data, b"correct horse", None)


async def test_processes_do_not_lose_each_others_keys(path: Path) -> None:
    custodians = [opened(path) for _ in range(4)]
    names = [KeyId(f"key-{number}") for number in range(12)]
    await asyncio.gather(*(custodians[number % 4].create(name, Role.MAC) for number, name in enumerate(names)))
    assert set(opened(path).roles()) == {ISSUER, REFERENCES, *names}
    for name in names:  # found at first use, though another one made it
        assert len({await custodian.mac(name, b"x") for custodian in custodians}) == 1
    with pytest.raises(Conflict):
        await custodians[0].create(names[3], Role.SEAL)
    with pytest.raises(Missing):
        await custodians[0].mac(KeyId("nobody's"), b"x")


async def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(path)
    await opened(link).create(KeyId("more"), Role.MAC)
    assert link.is_symlink()
    assert KeyId("more") in opened(path).roles()


async def test_a_crash_in_the_middle_of_a_change_leaves_the_old_file(path: Path) -> None:
    """What a killed process leaves behind is half a new file beside the whole old one."""
    path.with_name(".keys.new").write_bytes(b"half")
    await opened(path).create(KeyId("more"), Role.MAC)
    assert KeyId("more") in opened(path).roles()
    assert names_beside(path) == ["keys"]


async def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    before = content(path)
    custodian = opened(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(Unavailable):
            await custodian.create(KeyId("more"), Role.MAC)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert content(path) == before
    assert KeyId("more") not in custodian.roles()
    assert names_beside(path) == ["keys"]


def test_signing_reads_no_file(path: Path) -> None:
    custodian = opened(path)
    path.unlink()
    assert len(asyncio.run(custodian.sign(unsigned()))) == 64
