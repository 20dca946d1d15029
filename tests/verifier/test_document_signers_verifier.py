"""Mdocs by document signers of others through the whole verifier: pinned on the command line, asked for and answered over HTTP."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.clerk import Clerk
from support.desk import Site, Template, lines, place, serving
from support.trial_verify import ISSUER, LIST, issue, registry, show, status_cwt
from support.utopia import DOCTYPE, DS, ELEMENTS, ROOT, UTOPIA, a_list, certified, made

from shared.openid4vci import Configuration, IssuerMetadata, render_issuer_metadata
from shared.openid4vp import render_response
from shared.trust.anchors import parse_trust
from shared.x509 import render_pem
from verifier.cli import main
from verifier.records import knowledge


class Utopia(Site):
    """An issuer of mdocs alone, whose lists have one form."""

    def pages(self) -> dict[str, bytes]:
        kind = Configuration(id="poa", format="mso_mdoc", doctype=DOCTYPE, binding_methods=("cose_key",), proof_algs=("ES256",))
        metadata = IssuerMetadata(issuer=ISSUER, credential_endpoint=f"{ISSUER}/credential", configurations={"poa": kind})
        told = {
            f"{ISSUER}/.well-known/openid-credential-issuer": json.dumps(render_issuer_metadata(metadata)).encode(),
            f"{ISSUER}/lists": json.dumps({"status_lists": [*self.cwt]}).encode(),
        }
        return super().pages() | self.cwt | told


def pinned(template: Template, folder: Path, *more: str, doctype: str = DOCTYPE) -> Path:
    """A desk that trusts nobody but the authority of Utopia's document signers."""
    place(template, folder)
    (folder / "trust.json").unlink()
    file = folder.parent / "iaca.pem"
    file.write_text(render_pem(ROOT.ours.der))
    command = ["bundle", "trust", str(file), "--dir", str(folder), "--profile", "iso-18013-5", "--entity", ISSUER, "--doctype", doctype]
    assert main([*command, "--name", "Utopia", *more]) == 0
    return folder


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("good", ""),
        ("cancelled", "revoked"),
        ("no list", "status_unknown"),
        ("list of others", "status_unknown"),
        ("ours", "untrusted"),
        ("our role", "untrusted"),
        ("another doctype", "not_entitled"),
    ],
)
async def test_an_mdoc_of_utopia_is_shown(template: Template, tmp_path: Path, case: str, code: str) -> None:
    folder = pinned(template, tmp_path / "desk", doctype="org.iso.18013.5.1.mDL" if case == "another doctype" else DOCTYPE)
    wires = {"ours": lambda: issue("mso_mdoc", seed="http"), "our role": lambda: certified(made(), UTOPIA.x5c[0])}
    lists = {"cancelled": a_list({70_001: 1}), "no list": None, "list of others": status_cwt(by=registry(), bits=1)}
    listed = lists.get(case, a_list())
    async with serving(template, folder, site=Utopia(trust=None, cwt={} if listed is None else {LIST: listed})) as desk:
        asked = await desk.ask(format="mso_mdoc")
        request = await desk.read(asked)
        shown = show(wires.get(case, made)(), format_name="mso_mdoc", paths=ELEMENTS, binding=request.binding())
        status, _ = await desk.post(asked, render_response(request, {request.query.credentials[0].id: [shown]}))
        state = await desk.state(asked)
        assert state["code"] == code
        if case == "good":
            assert (status, state["decision"], set(lines(state["verdict"]).values())) == (200, "accepted", {"passed"})
            [one] = state["verdict"]["credentials"]
            assert (one["issuer"], one["issuer_name"]) == (ISSUER, "Utopia")
            [visit] = await desk.desk.storage.read(knowledge.visits)
            assert (visit.entity, visit.faults) == (ISSUER, ())
            memory = await desk.desk.storage.read(knowledge.memory)
            assert set(memory.lists) == {(ISSUER, LIST)}


def test_pinned_on_the_command_line(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = pinned(template, tmp_path / "desk", "--without-snapshot", "--doctype", "org.iso.18013.5.1.mDL")
    assert f"document signers (iso-18013-5) of {DOCTYPE}, org.iso.18013.5.1.mDL" in capsys.readouterr().out
    [anchor] = parse_trust((folder / "trust.json").read_bytes()).anchors
    assert (anchor.profile, anchor.vcts, anchor.without_snapshot) == ("iso-18013-5", (DOCTYPE, "org.iso.18013.5.1.mDL"), True)
    assert main(["trust", "list", "--dir", str(folder)]) == 0
    assert f"Utopia ({ISSUER}) [iso-18013-5: {DOCTYPE}, org.iso.18013.5.1.mDL]" in capsys.readouterr().out
    file, ordinary = folder.parent / "iaca.pem", folder.parent / "registry.pem"
    ordinary.write_text(render_pem(registry().certificate.der))
    (folder.parent / "ds.pem").write_text(render_pem(DS))
    for given in (
        [str(file), "--entity", ISSUER],
        [str(file), "--doctype", DOCTYPE],
        [str(file), "--entity", ISSUER, "--doctype", DOCTYPE, "--role", "relying-party"],
        [str(ordinary), "--entity", ISSUER, "--doctype", DOCTYPE],
        [str(folder.parent / "ds.pem"), "--entity", ISSUER, "--doctype", DOCTYPE],
    ):
        assert main(["bundle", "trust", *given, "--profile", "iso-18013-5", "--dir", str(folder)]) == 78


async def test_the_page_says_what_it_is_trusted_for(template: Template, tmp_path: Path) -> None:
    folder = pinned(template, tmp_path / "desk")
    async with serving(template, folder, local=True, site=Utopia(trust=None, cwt={LIST: a_list()})) as desk:
        clerk = await Clerk(desk).sign_in()
        page = await clerk.get("/desk/trust")
        assert f"only as mdocs: {DOCTYPE}" in page
        assert "Utopia" in page
