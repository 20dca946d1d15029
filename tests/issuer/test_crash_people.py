"""Killed at each write of a sign-in's code, a promise, a second person's word and a correction: whole, or never there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, CookieJar
from support import dying as support_dying
from support.attested import Wallet, attested
from support.counting import rows
from support.dying import dies
from support.ports import free_port
from support.registry import Registry, Template, serving
from support.second_person import approve
from support.soft_authenticator import SoftAuthenticator
from support.visitor import Visitor, challenge, code, letter
from yarl import URL

from issuer import config
from issuer.offers import Made
from issuer.sessions import Approval
from shared.errors import InvalidGrant, InvalidTransactionId
from shared.openid4vci import TokenResponse, request_deferred

MOMENTS = pytest.mark.parametrize("moment", ["before", "after"])


@pytest.fixture
async def registry(template: Template, tmp_path: Path) -> AsyncIterator[Registry]:
    """The office's process that lives; a second person looks at each power of attorney."""
    async with serving(template, tmp_path / "registry", approve_types=("representation",)) as running:
        with config.toml(running.directory).open("a") as file:
            file.write('approve_types = ["representation"]\n')
        yield running


@asynccontextmanager
async def dying(registry: Registry, failpoint: str, **how: int) -> AsyncIterator[None]:
    """Wallets and browsers meet another process of the office, which dies of the block without having answered."""
    async with support_dying.dying(registry, failpoint, **how):
        with pytest.raises(ClientError):
            yield


async def promised(registry: Registry) -> tuple[str, Wallet, TokenResponse]:
    """A document that waits, and a holder who agreed to it."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    return number, wallet, await wallet.token([number])


async def count(registry: Registry, table: str) -> int:
    return await rows(registry.office.storage, table)


async def history(registry: Registry, number: str) -> list[str]:
    _, detail = await registry.call("GET", f"/api/credentials/{number}")
    return [line["what"] for line in detail["history"]]


@MOMENTS
async def test_killed_while_a_code_is_changed(registry: Registry, moment: str) -> None:
    """A code is good once, whoever died: the answer that nobody got is lost, and the holder signs in again."""
    number, wallet = (await registry.make())["id"], await attested(registry)
    sign_in, url = await wallet.sign_in([number])
    async with dying(registry, f"change-code:{moment}"):
        await wallet.change(sign_in, url)
    if moment == "before":
        await wallet.change(sign_in, url)
    with pytest.raises(InvalidGrant):
        await wallet.change(sign_in, url)
    assert (await wallet.copies(await wallet.token([number]))).transaction_id is not None


@MOMENTS
async def test_killed_while_copies_are_promised(registry: Registry, moment: str) -> None:
    number, wallet, token = await promised(registry)
    async with dying(registry, f"defer:{moment}"):
        await wallet.copies(token)
    assert await count(registry, "deferral") == int(moment == "after")
    response = await wallet.copies(token, 2)  # a lost promise is asked for anew
    await approve(registry.office, number)
    picked = await wallet.run(request_deferred(wallet.metadata, token, response.transaction_id or ""))
    assert len(picked.credentials) == 2
    assert await count(registry, "status_entry WHERE document IS NOT NULL") == 2


@MOMENTS
async def test_killed_while_a_promise_is_kept(registry: Registry, moment: str) -> None:
    """Copies that nobody got stay counted, so that they can be cancelled; the transaction is good once."""
    number, wallet, token = await promised(registry)
    transaction = (await wallet.copies(token)).transaction_id or ""
    await approve(registry.office, number)
    async with dying(registry, f"issue:{moment}"):
        await wallet.run(request_deferred(wallet.metadata, token, transaction))
    lost = int(moment == "after")
    assert (await count(registry, "deferral"), await count(registry, "status_entry WHERE document IS NOT NULL")) == (1 - lost, lost)
    if lost:
        with pytest.raises(InvalidTransactionId):
            await wallet.run(request_deferred(wallet.metadata, token, transaction))
        assert len((await wallet.copies(token)).credentials) == 1  # approved already: asked for anew, made at once
    else:
        assert len((await wallet.run(request_deferred(wallet.metadata, token, transaction))).credentials) == 1
    assert (await history(registry, number))[:3] == ["made", "approved", "collected"]


@MOMENTS
async def test_killed_while_it_is_approved(registry: Registry, moment: str) -> None:
    number, wallet, token = await promised(registry)
    transaction = (await wallet.copies(token)).transaction_id or ""
    await dies("dying_office", f"approve:{moment}", registry.directory, registry.clock(), "approve", number)
    assert await history(registry, number) == (["made"] if moment == "before" else ["made", "approved"])
    if moment == "before":
        waits = await wallet.run(request_deferred(wallet.metadata, token, transaction))
        assert waits.transaction_id == transaction
        assert (await approve(registry.office, number)).approval is Approval.APPROVED
    assert len((await wallet.run(request_deferred(wallet.metadata, token, transaction))).credentials) == 1


@MOMENTS
async def test_killed_while_it_is_corrected(registry: Registry, moment: str) -> None:
    """Copies, details and the second person's word change together."""
    number, wallet, token = await promised(registry)
    await approve(registry.office, number)
    assert len((await wallet.copies(token)).credentials) == 1
    await dies("dying_office", f"replace:{moment}", registry.directory, registry.clock(), "correct", number)
    ended = int(moment == "after")
    assert await history(registry, number) == ["made", "approved", "collected", *["corrected"] * ended]
    assert (await count(registry, "status_entry WHERE value = 1") > 0) == bool(ended)
    assert ((await wallet.copies(token)).transaction_id is not None) == bool(ended)


async def test_killed_while_many_are_cancelled(registry: Registry) -> None:
    """All of them or none; whoever confirms the same number once more changes nothing."""
    made = [(await registry.make(reference="case 9"))["id"] for _ in range(2)]
    wish = {"action": "cancel", "references": ["case 9"], "reason": "made-in-error", "preview": False, "confirm_count": 2}
    for moment in ("before", "after"):
        async with dying(registry, f"change-many:{moment}"):
            await registry.call("POST", "/api/status-changes", wish)
        assert [await history(registry, each) for each in made] == [["made", *["cancelled"] * (moment == "after")]] * 2
    status, told = await registry.call("POST", "/api/status-changes", wish)
    assert (status, told["code"]) == (409, "conflict")
    _, told = await registry.call("POST", "/api/status-changes", wish | {"preview": True, "confirm_count": None})
    assert (told["documents"], told["unchanged"]) == (0, 2)
    assert [await history(registry, each) for each in made] == [["made", "cancelled"]] * 2


@asynccontextmanager
async def browsing(registry: Registry, port: int) -> AsyncIterator[Visitor]:
    """NORA's browser, to which the process at ``port`` is the office as well."""
    jar = CookieJar(unsafe=True, treat_as_secure_origin=[URL(registry.base), URL(f"http://localhost:{port}")])
    async with ClientSession(cookie_jar=jar) as http:
        yield Visitor(registry, http)


async def test_killed_at_each_step_of_a_holder_who_signs_in(registry: Registry) -> None:
    """She does the same again, or begins again in her wallet where the office's answer is good once and nobody got it."""
    wallet, made, other, port = await attested(registry), await letter(registry), await letter(registry), free_port()
    async with browsing(registry, port) as nora:

        async def begins(letter: Made = made) -> None:
            await nora.come(wallet, (await wallet.push())[1])
            await nora.sign_in(code(letter))
            assert nora.path == "/authorize/agree"

        async def killed(point: str, act: Callable[[], Awaitable[object]], first: Callable[[], Awaitable[None]] | None = None) -> None:
            """Twice; with the page that was at hand before, unless something else comes ``first``."""
            for moment in ("before", "after"):
                if first is not None:
                    await first()
                page = nora.text
                async with dying(registry, f"{point}:{moment}", port=port):
                    await act()
                nora.text = page

        await killed("push", wallet.push)
        pushed = (await wallet.push())[1]
        await killed("begin", lambda: nora.come(wallet, pushed))
        await nora.come(wallet, pushed)
        await killed("holder-sign-in", lambda: nora.sign_in(code(made)))
        await nora.sign_in(code(made))
        assert nora.path == "/authorize/agree"
        for point in ("grant", "agreed"):
            await killed(point, lambda: nora.agree(made.document), begins)
            await nora.agree(made.document)
            assert (nora.status, nora.left) == (400, ""), "this sign-in is over, and nobody has its code"
        await begins()
        await killed("deny", lambda: nora.send("/authorize/refuse"))
        await nora.send("/authorize/refuse")
        assert (nora.status, nora.left) == (400, "")
        assert await history(registry, made.document) == ["made", "agreed"]
        await begins()
        await nora.open("/authorize/sign-in")
        await nora.sign_in(code(other))
        await killed("join", lambda: nora.send("/authorize/same", ("same", "yes")))
        await nora.send("/authorize/same", ("same", "yes"))
        assert nora.path == "/authorize/sign-in", "whoever was joined to another signs in anew"
        await nora.sign_in(code(other))
        assert nora.path == "/authorize/documents"
        assert [number in nora.text for number in (made.document, other.document)] == [True, True]
        asked = challenge(await nora.open("/authorize/passkeys"))
        passkey = SoftAuthenticator(host="registry.example", origin="https://registry.example", handle=sha256(asked).digest())
        fields = (("passkey", passkey.create(asked)), ("name", "Phone"))
        await killed("passkey", lambda: nora.send("/authorize/passkeys", *fields))
        await nora.open("/authorize/passkeys")
        await nora.open("/authorize/passkeys")
        assert ("Phone" in nora.text, await count(registry, "passkey WHERE subject LIKE 'holder:%'")) == (True, 1)
        sign_in, pushed = await wallet.push()
        await nora.come(wallet, pushed)
        await nora.sign_in(code(made))
        await nora.choose(made.document)
        await nora.agree(made.document)
        assert (await wallet.copies(await wallet.change(sign_in, nora.left))).transaction_id is not None
    assert await history(registry, made.document) == ["made", "agreed", "agreed"]
