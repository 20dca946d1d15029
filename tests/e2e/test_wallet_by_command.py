"""The wallet's commands as a person types them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.registry import Template
from support.street import office, street

from shared.codec import qr
from verifier.check import read_copy

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return asyncio.run(office(tmp_path_factory.mktemp("office") / "registry"))


async def test_collect_show_make_out_and_look_back(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        made = await here.registry.make()
        picture = tmp_path / "invitation.png"
        picture.write_bytes(qr.png(made["invitation_link"]))
        code, said = await here.run("receive", str(picture), "--code", "00000000")
        assert (code, "invalid_grant" in said) == (1, True)
        code, said = await here.run("receive", str(picture))
        assert (code, "--code" in said) == (1, True)
        code, said = await here.run("receive", str(picture), "--code", made["code"])
        assert code == 0, said
        assert "Power of attorney, Margaret Ashdown; in force" in said
        code, said = await here.run("list")
        assert "20 uses" in said
        code, said = await here.run("present", here.party.ask())
        assert (code, here.party.got) == (1, [])
        assert "Add --yes to share" in said
        code, said = await here.run("present", here.party.ask(), "--yes", "--allow", "represented/birthdate")
        assert code == 0, said
        assert "signed receipt" in said
        code, said = await here.run("present", here.party.ask(), "--yes", "--allow", "represented/shoe_size")
        assert (code, "no optional detail" in said) == (1, True)
        copy, png = tmp_path / "copy.json", tmp_path / "copy.png"
        wish = ("address", "--to", "https://bank.example", "--to-name", "The Bank", "--purpose", "bank", "--query", "bank")
        code, said = await here.run(*wish, "--out", str(copy), "--png", str(png))
        assert code == 0, said
        assert "made out to The Bank" in said
        assert read_copy(png.read_bytes()).vp_token == read_copy(copy.read_bytes()).vp_token
        assert qr.read(png.read_bytes())[0].startswith("OVP1:")  # the compact form, for the code to be coarse
        code, said = await here.run("history")
        assert ["addressed-copy" in said, "presentation" in said, "issuance" in said] == [True] * 3


async def test_nobody_is_shared_with_unseen_whom_we_could_not_check(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        trust = here.folder / "trust.json"
        known = json.loads(trust.read_text())
        trust.write_text(json.dumps(known | {"anchors": [one for one in known["anchors"] if one["role"] != "relying-party"]}))
        made = await here.registry.make()
        assert (await here.run("receive", made["invitation_link"], "--code", made["code"]))[0] == 0
        code, said = await here.run("present", here.party.ask(), "--yes")
        assert (code, here.party.got) == (1, [])
        assert "could not be checked" in said
        code, said = await here.run("trust", "add", str(tmp_path / "party.pem"), "--role", "relying-party", "--name", "The council")
        assert code == 0, said
        assert "fingerprint" in said
        code, said = await here.run("trust", "add", str(tmp_path / "party.pem"), "--role", "relying-party")
        assert (code, "already" in said) == (1, True)
        assert "The council" in (await here.run("trust", "list"))[1]
        code, said = await here.run("present", here.party.ask(), "--yes")
        assert (code, len(here.party.got)) == (0, 1), said


async def test_backup_and_restore(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        made = await here.registry.make()
        assert (await here.run("receive", made["invitation_link"], "--code", made["code"]))[0] == 0
        secret = tmp_path / "backup-passphrase"
        secret.write_text("a passphrase for backups\n")
        file = tmp_path / "nora.backup"
        code, said = await here.run("backup", str(file), "--backup-passphrase-file", str(secret))
        assert code == 0, said
        assert b"Margaret" not in file.read_bytes()
        code, said = await here.run("restore", str(file), "--backup-passphrase-file", str(secret))
        assert (code, "conflict" in said) == (1, True)
        again = ("restore", str(file), "--holder", "Nora again", "--backup-passphrase-file", str(secret))
        await here.dies(*again, failpoint="wallet:before")
        assert len(await here.cards()) == 1, "no empty wallet has taken the name"
        code, said = await here.run(*again)
        assert code == 0, said
        assert "Recovery code" in said
        code, said = await here.run("list")
        assert (code, "--holder" in said) == (1, True)
        code, said = await here.run("list", "--holder", "nora AGAIN")
        assert (code, "20 uses" in said) == (0, True)
        later = ("restore", str(file), "--holder", "Nora later", "--backup-passphrase-file", str(secret))
        await here.dies(*later, failpoint="wallet:after")
        code, said = await here.run(*later)
        assert (code, "conflict" in said) == (1, True)
        code, said = await here.run("list", "--holder", "Nora later")
        assert (code, "20 uses" in said) == (0, True)


async def test_wrong_usage_wrong_passphrase_no_wallet(template: Template, tmp_path: Path) -> None:
    async with street(template, tmp_path) as here:
        assert (await here.run("list", "--nonsense"))[0] == 64
        wrong = tmp_path / "wrong"
        wrong.write_text("wrong wrong wrong")
        here.environment["MUNIMENT_WALLET_PASSPHRASE_FILE"] = str(wrong)
        code, said = await here.run("list")
        assert (code, "sign_in_required" in said) == (1, True)
        del here.environment["MUNIMENT_WALLET_PASSPHRASE_FILE"]
        code, said = await here.run("list")
        assert (code, "MUNIMENT_WALLET_PASSPHRASE_FILE" in said) == (78, True)
        code, said = await here.run("open", "openid4vp://?client_id=x&request_uri=y", "--dir", str(here.folder))
        assert said.strip() == "http://localhost:8102/authorize?client_id=x&request_uri=y"
        assert (await here.run("open", "mailto:x"))[0] == 1
        here.folder = tmp_path / "nowhere"
        code, said = await here.run("serve")
        assert (code, "muniment-wallet init" in said) == (78, True)
