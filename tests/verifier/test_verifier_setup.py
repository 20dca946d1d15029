"""Setting up, looking after, and the commands around checking packs."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.desk import BANK, Site, Template, opened, place, refreshed, settings_of
from support.signing import AT, Signer
from support.trial_verify import ISSUER, registry
from support.trial_web import Watch

from shared.clock import system_entropy
from shared.errors import ConfigError
from shared.keys import Role
from shared.private_file import make_secret, read_secret, write_whole
from shared.trust.anchors import TrustAnchors, parse_trust, render_trust
from shared.trust.federation_anchor import FederationAnchor
from shared.trust.federation_keys import FederationKey
from shared.web.setup import add_anchor, toml_text
from shared.x509 import load_certificate, render_pem, verify_chain
from verifier import cli, config, init, packs, upkeep
from verifier.material import Store


def run(*arguments: str, **how: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "verifier", *arguments], capture_output=True, text=True, check=False, **how)


@pytest.fixture
def anchor(tmp_path: Path) -> Path:
    file = tmp_path / "registry.pem"
    file.write_text(render_pem(registry().certificate.der))
    return file


def test_init_makes_everything_once(tmp_path: Path, anchor: Path) -> None:
    folder = tmp_path / "bank"
    arguments = ("init", "--dir", str(folder), "--name", "Northwold Bank", "--entity", BANK, "--json")
    done = run(*arguments, "--trust", f"{anchor}:credential-issuer:http://localhost:8101", "--trust", f"{anchor}:relying-party")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert sorted(made) == ["anchor", "api_key", "entity", "operator", "passphrase", "public_url"]
    assert (made["entity"], made["public_url"], made["operator"]) == (BANK, "http://localhost:8103", "admin")
    leaf, root = (load_certificate((folder / name).read_bytes()) for name in ("relying-party.pem", "anchor.pem"))
    assert leaf.uris == (BANK,)
    assert verify_chain((leaf.der,), (root,), at=leaf.not_before + 400, role=Role.RELYING_PARTY).subject == "Northwold Bank"
    trust = parse_trust((folder / "trust.json").read_bytes())
    assert [(each.role, each.entity) for each in trust.anchors] == [
        (Role.CREDENTIAL_ISSUER, "http://localhost:8101"),
        (Role.RELYING_PARTY, None),
    ]
    assert len(trust.bundle_signers) == 1
    for name in ("verifier.toml", "trust.json", "verifier.keys", "anchor.keys", "key-file", "verifier.db"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600, name
    settings = settings_of(folder)
    assert (settings.entity_id, settings.outbound_allow) == (BANK, ("localhost:8101",))
    again = run(*arguments)
    assert (again.returncode, "already" in again.stderr) == (78, True)


@pytest.mark.parametrize("option", ["no-such.pem:credential-issuer", "file.pem:holder", "file.pem"])
def test_init_refuses_a_trust_that_it_cannot_read(tmp_path: Path, option: str) -> None:
    done = run("init", "--dir", str(tmp_path / "desk"), "--trust", option)
    assert (done.returncode, (tmp_path / "desk").exists()) == (78, False)


async def test_broken_off_init_is_repeated(tmp_path: Path, template: Template) -> None:
    folder = tmp_path / "desk"
    place(template, folder)
    config.toml(folder).unlink()
    wish = init.Wish(
        directory=folder, name="Northwold Bank", public_url="https://desk.example", port=8103, entity=BANK, operator="Bea Clerk"
    )
    made = await init.set_up(wish, clock=Watch(AT), entropy=system_entropy)
    assert made.passphrase
    async with opened(template, folder) as desk:
        assert desk.entity == BANK


async def test_doctor_and_keys(tmp_path: Path, template: Template) -> None:
    folder = tmp_path / "desk"
    place(template, folder)
    settings = settings_of(folder)
    findings = {each.what: each for each in await upkeep.examine(folder, settings, clock=Watch(AT), entropy=system_entropy)}
    assert [what for what, each in findings.items() if not each.ok] == ["lists of cancelled documents"]
    async with opened(template, folder) as desk:
        await refreshed(desk)
    findings = {each.what: each for each in await upkeep.examine(folder, settings, clock=Watch(AT), entropy=system_entropy)}
    assert all(each.ok for each in findings.values()), findings
    lines = await upkeep.list_keys(folder, settings, clock=Watch(AT), entropy=system_entropy)
    assert any(BANK in line for line in lines)
    before = (folder / "relying-party.pem").read_bytes()
    leaf = await upkeep.renew(folder, settings, clock=Watch(AT), entropy=system_entropy)
    assert leaf.uris == (BANK,)
    assert (folder / "relying-party.pem").read_bytes() != before
    (folder / "anchor.keys").unlink()
    with pytest.raises(ConfigError):
        await upkeep.renew(folder, settings, clock=Watch(AT), entropy=system_entropy)


async def test_doctor_names_what_is_wrong(tmp_path: Path, template: Template) -> None:
    folder = tmp_path / "desk"
    place(template, folder)
    findings = await upkeep.examine(folder, settings_of(folder, entity="https://other.example"), clock=Watch(AT), entropy=system_entropy)
    assert "names another entity" in next(each.detail for each in findings if each.what == "certificate")
    (folder / "relying-party.pem").unlink()
    findings = await upkeep.examine(folder, settings_of(folder), clock=Watch(AT), entropy=system_entropy)
    assert not findings[-1].ok


async def test_doctor_counts_whoever_is_trusted(tmp_path: Path, template: Template) -> None:
    """A federation alone is somebody: whoever it vouches for is believed."""
    folder = tmp_path / "desk"
    place(template, folder)
    file = folder / "trust.json"
    key = FederationKey.of(Signer.new().public)
    ministry = FederationAnchor(entity="https://ministry.example", keys=(key,), name="Ministry")
    for trust, told in (
        (TrustAnchors(), "nobody is trusted"),
        (TrustAnchors(federation=(ministry,)), "0 issuer anchor(s), 1 federation(s)"),
    ):
        file.write_bytes(render_trust(trust))
        findings = {each.what: each for each in await upkeep.examine(folder, settings_of(folder), clock=Watch(AT), entropy=system_entropy)}
        assert told in findings["who we trust"].detail
        assert findings["who we trust"].ok is bool(trust.federation)


async def test_packs_grow_and_are_pinned_by_thumbprint(tmp_path: Path, template: Template, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "desk"
    async with opened(template, folder) as desk:
        with pytest.raises(Exception, match="fetch them first"):
            await packs.make(desk)
        await refreshed(desk)
        assert (await packs.make(desk)).pack.seq == 1
        made = await packs.make(desk)
        assert made.pack.seq == 2
        packs.write(tmp_path / "two.pack", made.data)
    other = tmp_path / "other-trust.json"
    pack = str(tmp_path / "two.pack")
    assert cli.main(["bundle", "trust", pack, "--trust", str(other)]) == 78
    thumbprint = capsys.readouterr().err.split("compare it with ")[1].split(",")[0]
    assert cli.main(["bundle", "trust", pack, "--trust", str(other), "--thumbprint", "x" * 43]) == 78
    assert not other.exists()
    assert cli.main(["bundle", "trust", pack, "--trust", str(other), "--thumbprint", thumbprint]) == 0
    anchor = tmp_path / "registry.pem"
    anchor.write_text(render_pem(registry().certificate.der))
    assert cli.main(["bundle", "trust", str(anchor), "--trust", str(other), "--entity", ISSUER]) == 0
    assert cli.main(["bundle", "trust", str(anchor), "--trust", str(other), "--entity", ISSUER]) == 0
    trust = parse_trust(other.read_bytes())
    assert (trust.bundle_signers, len(trust.anchors), trust.anchors[0].entity) == ((thumbprint,), 1, ISSUER)
    capsys.readouterr()
    assert cli.main(["bundle", "show", pack, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["seq"], told["issuer"], told["signer"]) == (2, BANK, thumbprint)
    assert {each["media_type"] for each in told["artefacts"]} >= {
        "application/statuslist+jwt",
        "application/vct+json",
        "application/pkix-cert",
    }
    assert cli.main(["bundle", "show", pack]) == 0
    assert "Checking pack 2 of https://northwold-bank.example" in capsys.readouterr().out


async def test_bundle_verify_says_yes_no_and_too_old(tmp_path: Path, template: Template, capsys: pytest.CaptureFixture[str]) -> None:
    from verifier import pins

    folder = tmp_path / "desk"
    async with opened(template, folder) as desk:
        await refreshed(desk)
        packs.write(tmp_path / "one.pack", (await packs.make(desk)).data)
    arguments = cli.parser().parse_args(["bundle", "verify", str(tmp_path / "one.pack"), "--dir", str(folder)])
    assert pins.verify(arguments, at=AT) == 0
    assert "Good to check with: pack 1" in capsys.readouterr().out
    assert pins.verify(arguments, at=AT + 8 * 86_400) == 2
    arguments = cli.parser().parse_args(["bundle", "verify", str(config.trust(folder)), "--dir", str(folder)])
    assert pins.verify(arguments, at=AT) == 1


async def test_trust_is_read_again_when_its_owner_changed_it(tmp_path: Path, template: Template) -> None:
    async with opened(template, tmp_path / "desk") as desk:
        store = await refreshed(desk)
        assert len((await store.picture()).lists) == 1
        file = config.trust(tmp_path / "desk")
        doc = json.loads(file.read_text())
        write_whole(file, json.dumps(doc | {"anchors": []}).encode())
        assert desk.trust.anchors == ()
        await Store(desk).refresh(Site())
        assert (await store.picture()).lists == {}
        write_whole(file, b"{}")
        with pytest.raises(ConfigError):
            desk.trusted.read()


def test_private_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    make_secret(file, system_entropy)
    first = read_secret(file)
    make_secret(file, system_entropy)
    assert (read_secret(file), len(first)) == (first, 43)
    file.chmod(0o644)
    with pytest.raises(ConfigError):
        read_secret(file)
    with pytest.raises(ConfigError):
        read_secret(tmp_path / "none")


def test_toml_text_and_anchor_options(anchor: Path) -> None:
    import tomllib

    for text in ('a "b" \\ c', "Swyddfa’r", ""):
        assert tomllib.loads(f"x = {toml_text(text)}")["x"] == text
    with pytest.raises(ConfigError):
        toml_text("a\nb")
    from shared.trust.anchors import TrustAnchors

    trust = add_anchor(TrustAnchors(), f"{anchor}:credential-issuer:https://opg.example:8443/path")
    assert trust.anchors[0].entity == "https://opg.example:8443/path"
    assert add_anchor(trust, f"{anchor}:credential-issuer:https://opg.example:8443/path") == trust


@pytest.mark.parametrize("changes", [{"types": ("no-such",)}, {"purposes": ("no-such",)}])
async def test_settings_that_name_nothing_are_refused(tmp_path: Path, template: Template, changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        async with opened(template, tmp_path / "desk", **changes):
            pass
