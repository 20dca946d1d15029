"""``polaris-oid4vp verdict``, a judge by others at a terminal, and our verification give presentations of ours the same verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.forge import HOLDER, ISSUER, ISSUER_URI, LPA_1, REPRESENTATION, STRANGER, b64, unb64
from support.signing import Signer, anchor, leaf
from support.trial_verify import Dice

from shared.clock import floor_day, system_clock
from shared.errors import VcError
from shared.formats import Binding, Credential, StatusReference, formats
from shared.keys import KeyId
from shared.x509 import render_pem

COUNTERPARTS = {"polaris-oid4vp": "judge of SD-JWT VCs at a terminal"}
pytestmark = pytest.mark.real

FORM = formats()["dc+sd-jwt"]
PROGRAM = Path(sys.executable).with_name("polaris-oid4vp")
NOW = system_clock()
DAY = 86_400
AUTHORITY = Signer.new()
ROOT = anchor(AUTHORITY, at=NOW - 40 * DAY)
LEAF = leaf(ISSUER, ROOT, AUTHORITY, uri=ISSUER_URI, at=NOW - 30 * DAY)
BINDING = Binding(audience="x509_hash:Uvo3HtuIxuhC92rShpgqcT3YXwrqRxWEviRiA0OZszk", nonce="exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA")
PATHS = (("represented", "given_name"), ("powers", 0))
REQUEST = {
    "client_id": BINDING.audience,
    "nonce": BINDING.nonce,
    "response_type": "vp_token",
    "response_mode": "direct_post.jwt",
    "dcql_query": {
        "credentials": [
            {
                "id": "q",
                "format": "dc+sd-jwt",
                "meta": {"vct_values": [REPRESENTATION.vct]},
                "claims": [{"path": ["represented", "given_name"]}],
            }
        ]
    },
}


def show(binding: Binding = BINDING, *, holder: Signer = HOLDER, **changes: Any) -> str:
    fields: dict[str, Any] = {
        "type": REPRESENTATION,
        "claims": LPA_1,
        "issuer": ISSUER_URI,
        "issued_at": floor_day(NOW),
        "expires_at": floor_day(NOW) + 30 * DAY,
        "x5c": (LEAF,),
        "status": StatusReference(uri=f"{ISSUER_URI}/status/1", idx=7),
    }
    made = Credential(**(fields | changes))
    parsed = FORM.parse(ISSUER.finish(FORM.prepare(made, key=KeyId("issuer"), holder=HOLDER.public, entropy=Dice("verdict"))))
    return holder.finish(
        FORM.present(FORM.disclose(parsed, PATHS), binding, key=KeyId("copy"), at=system_clock())
    )  # long after NOW in a full run


def ours(wire: str) -> bool:
    try:
        FORM.verify(FORM.parse(wire), ISSUER.public, binding=BINDING, at=system_clock())
    except VcError:
        return False
    return True


def theirs(folder: Path, wire: str) -> int:
    """Its exit code: 0 authentic, 1 not."""
    (folder / "request.json").write_text(json.dumps(REQUEST))
    (folder / "vp_token.json").write_text(json.dumps({"vp_token": {"q": [wire]}}))
    (folder / "anchor.pem").write_text(render_pem(ROOT.der))
    command = [str(PROGRAM), "verdict", "--request", "request.json", "--vp-token", "vp_token.json", "--issuer-trust-anchor", "anchor.pem"]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, timeout=60).returncode


def _signature(token: str) -> str:
    head, body, signature = token.split(".")
    raw = bytearray(unb64(signature))
    raw[9] ^= 1
    return f"{head}.{body}.{b64(bytes(raw))}"


BROKEN: dict[str, Callable[[], str]] = {
    "another nonce": lambda: show(Binding(audience=BINDING.audience, nonce="another")),
    "another audience": lambda: show(Binding(audience="x509_hash:another", nonce=BINDING.nonce)),
    "another holder": lambda: show(holder=STRANGER),
    "ended": lambda: show(issued_at=floor_day(NOW) - 20 * DAY, expires_at=floor_day(NOW) - DAY),
    "stripped": lambda: show().rpartition("~")[0] + "~",
    "withheld after signing": lambda: "~".join([part for at, part in enumerate(show().split("~")) if at != 1]),
    "issuer's signature": lambda: "~".join([_signature(show().split("~")[0]), *show().split("~")[1:]]),
    "holder's signature": lambda: "~".join([*show().split("~")[:-1], _signature(show().split("~")[-1])]),
}


def test_it_finds_ours_authentic(tmp_path: Path) -> None:
    wire = show()
    assert ours(wire)
    assert theirs(tmp_path, wire) == 0


@pytest.mark.parametrize("name", BROKEN)
def test_both_refuse_what_is_broken(tmp_path: Path, name: str) -> None:
    wire = BROKEN[name]()
    assert not ours(wire)
    assert theirs(tmp_path, wire) == 1
