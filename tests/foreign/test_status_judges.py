"""jwt-status-list (npm) reads our status lists and we read its; and a document of our office is judged with the list that it names."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from support.foreign import Peer, Refused, secret_jwk
from support.registry import Registry, collect
from support.signing import Signer, anchor, leaf
from support.trial_verify import Authority, Dice, status_token

from issuer.app import LISTS
from shared.clock import system_clock
from shared.keys import Role
from shared.status.token_status_list import parse_token, status_at, verify_token
from shared.x509 import render_pem

COUNTERPARTS = {"@sd-jwt/jwt-status-list": "judge and mint of status lists"}
pytestmark = pytest.mark.real
in_session = pytest.mark.asyncio(loop_scope="session")

URI = "https://issuer.example/status/1"
SIZE = 4_096


def drawn(bits: int) -> list[int]:
    return [byte % (1 << bits) if byte < 60 else 0 for byte in Dice(f"list of {bits}")(SIZE)]


def certified() -> Authority:
    at = system_clock()
    above, below = Signer.new(), Signer.new()
    root = anchor(above, at=at - 3_600)
    return Authority(above, root, below, (leaf(below, root, above, role=Role.CREDENTIAL_ISSUER, at=at - 3_600),), "https://issuer.example")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_it_reads_our_list(their_judge: Peer, bits: int) -> None:
    values, by = drawn(bits), certified()
    token = status_token(dict(enumerate(values)), by=by, uri=URI, iat=system_clock() - 60, exp=system_clock() + 600, size=SIZE, bits=bits)
    told = their_judge.ask("status_list", token=token, indices=list(range(SIZE)), anchor=render_pem(by.certificate.der))
    assert (told["bits"], told["size"], told["values"]) == (bits, SIZE, values)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_we_read_its_list(their_mint: Peer, bits: int) -> None:
    values, by = drawn(bits), certified()
    x5c = [base64.b64encode(each).decode() for each in by.x5c]
    token = their_mint.ask("status_list", values=values, bits=bits, uri=URI, issuer=secret_jwk(by.signer), x5c=x5c)
    read = verify_token(parse_token(token), uri=URI, key=by.signer.public, at=system_clock())
    assert [status_at(read, index) for index in range(SIZE)] == values


async def _shown(office: Registry) -> tuple[dict[str, Any], str, str]:
    """What was made, a copy of it, and the token of the list in which its status stands."""
    made = await office.make()
    held = await collect(office, made)
    [copy] = (await held.copies()).credentials
    return made, copy, await _list(office)


async def _list(office: Registry) -> str:
    await office.app[LISTS].refresh()
    answer = await office.get("/status/1", Accept="application/statuslist+jwt")
    assert answer.status == 200
    return await answer.text()


@in_session
async def test_a_document_of_our_office_is_valid_until_it_is_cancelled(their_judge: Peer, office: Registry) -> None:
    made, copy, token = await _shown(office)
    above = (office.directory / "anchor.pem").read_text()
    reference = await their_judge.call("status_of", wire=copy)
    assert reference["uri"] == f"{office.url}/status/1"
    judged = await their_judge.call("sd_jwt", wire=copy, anchor=above, list=token)
    assert judged["claims"]["represented"]["given_name"] == "Margaret"
    assert judged["header"]["typ"] == "dc+sd-jwt"
    status, _ = await office.call("POST", f"/api/credentials/{made['id']}/cancel", {"reason": "made-in-error"})
    assert status == 200
    with pytest.raises(Refused, match="Status is not valid"):
        await their_judge.call("sd_jwt", wire=copy, anchor=above, list=await _list(office), skew=60)


@in_session
async def test_a_document_by_somebody_else_has_no_chain(their_judge: Peer, office: Registry) -> None:
    _, copy, _ = await _shown(office)
    with pytest.raises(Refused, match="no chain to an anchor"):
        await their_judge.call("sd_jwt", wire=copy, anchor=render_pem(certified().certificate.der))
