"""Checking packs: made by one verifier, taken in by another that is never on a network, by file, by page and over an address."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from support.clerk import Clerk
from support.desk import BANK, TRUST, Running, Site, Template, copy_file, opened, refreshed, serving
from support.federation import COURT
from support.signing import AT
from support.town import Town, pin
from support.trial_verify import DAY, IDX, ISSUER, LIST, Authority, registry, status_cwt, status_token
from support.trial_web import Watch
from support.trusting import Publisher, ended

from shared.errors import BundleRolledBack, Malformed, SnapshotMissing, TooLarge, Unavailable, Untrusted, VcError
from shared.flow import Fetch, Fetched
from shared.jose.jwk import thumbprint
from shared.keys import Role
from shared.status.token_status_list import parse_token, verify_token
from shared.trust.anchors import TrustAnchors, render_trust
from shared.trust.artefact import (
    CERTIFICATE,
    CRL,
    PAGE_KEYS,
    PAGE_TYPES,
    RP_CERTIFICATE,
    SNAPSHOT,
    STATUS_LIST,
    STATUS_LIST_CWT,
    TYPE_METADATA,
    Artefact,
)
from shared.trust.bundle import MAX_BYTES, parse_bundle
from shared.trust.snapshot import KeyState
from verifier import applying, copies, fetching, packs
from verifier.cli import main
from verifier.desk import BUNDLE, Desk
from verifier.material import Store
from verifier.records import knowledge
from verifier.records import packs as records
from verifier.scan import Packs

URL = "https://head-office.example/packs/newest"


async def make(template: Template, folder: Path, site: Site | None = None, **how: Any) -> tuple[bytes, str]:
    """A pack by a verifier on the network, and the thumbprint of its signer."""
    async with opened(template, folder, **how) as desk:
        await refreshed(desk, site)
        return (await packs.make(desk)).data, thumbprint(await desk.custodian.public(BUNDLE))


async def check(desk: Desk, **how: Any) -> tuple[str, str]:
    outcome = await copies.bring(desk, Store(desk), copy_file(**how), made_by="desk")
    return outcome.decision.decision, outcome.decision.code


def trusting(desk: Desk, *signers: str) -> None:
    """Pin signers of packs, as ``bundle trust`` does."""
    trust = desk.trust
    for each in signers:
        trust = trust.add_signer(each)
    (desk.directory / "trust.json").write_bytes(render_trust(trust))


# --- what is inside -----------------------------------------------------------------------------------------------------------------------


async def test_a_pack_holds_what_anchors_say_and_what_pages_need(template: Template, tmp_path: Path) -> None:
    site = Site(cwt={LIST: status_cwt()})
    async with opened(template, tmp_path / "head") as desk:
        await refreshed(desk, site)
        made = parse_bundle((await packs.make(desk)).data)
    kinds = {each.media_type for each in made.artefacts}
    assert kinds >= {SNAPSHOT, CRL, STATUS_LIST, STATUS_LIST_CWT, PAGE_KEYS, PAGE_TYPES}
    keys = json.loads(made.of(PAGE_KEYS)[0])
    assert [(each["iss"], each["state"]) for each in keys["issuers"]] == [(ISSUER, "active")]
    assert keys["self"]["entity"] == BANK
    assert "representation" in {each["vct"].split(":")[-2] for each in json.loads(made.of(PAGE_TYPES)[0])["types"]}


async def test_what_one_pinned_anchor_publishes_stops_nobody_else(template: Template, tmp_path: Path) -> None:
    """Files that cannot be read or are somebody else's, by the anchor of a body that only asks: online, in a pack, and for pages."""
    registry_, asker = Publisher(), "https://asker.example"
    crl, forged = registry_.crl(), f"{Publisher(seq=9).token()[:-8]}AAAAAAAA"
    files = {each: b"garbage of " + each.encode() for each in (CRL, CERTIFICATE, RP_CERTIFICATE, STATUS_LIST, TYPE_METADATA, PAGE_KEYS)}
    more = [Artefact(media_type=kind, data=data) for kind, data in (*files.items(), (SNAPSHOT, forged.encode()), (CERTIFICATE, crl.der))]
    other = Publisher(by=Authority.new(asker, role=Role.RELYING_PARTY), entity=asker, role=Role.RELYING_PARTY, keys=(), more=tuple(more))
    site = Site(trust=registry_, cwt={LIST: status_cwt()})

    async def town(fetch: Fetch) -> Fetched:
        if fetch.url == f"{asker}/.well-known/muniment-trust":
            return Fetched(status=200, body=other.publication())
        return await site(fetch)

    async with opened(template, tmp_path / "desk") as desk:
        signer = thumbprint(await desk.custodian.public(BUNDLE))
        for pins in ((other.pin, *desk.trust.anchors), (*desk.trust.anchors, other.pin)):
            trust = TrustAnchors(anchors=pins, bundle_signers=(signer,))
            (desk.directory / "trust.json").write_bytes(render_trust(trust))
            await Store(desk).refresh(town)
            assert await check(desk) == ("accepted", "")
            data = (await packs.make(desk)).data
            inside = Counter(each.media_type for each in parse_bundle(data).artefacts)
            assert (inside[SNAPSHOT], inside[STATUS_LIST], inside[TYPE_METADATA], inside[PAGE_KEYS]) == (2, 1, 1, 1)
            assert (await applying.apply(desk, data, actor="Ana")).lists == 1
            assert await check(desk) == ("accepted", "")


async def test_lists_of_whoever_has_most_are_left_out_of_a_full_pack(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body of a federation with lists without end: of everybody else all are there, and of pinned issuers in any case."""
    town, other = Town(cwt={LIST: status_cwt()}), f"{COURT}/lists/1"
    by = town.realm[COURT].keys[Role.CREDENTIAL_ISSUER]
    noise = hashlib.shake_256(b"noise").digest(2**14)
    values = {each: 1 for each in range(2**17) if noise[each // 8] >> (each % 8) & 1}
    big = status_token(uri=other, signer=by, x5c=(), values=values)

    async with opened(template, tmp_path / "desk") as desk:
        pin(desk, town)
        await refreshed(desk, town)
        token = verify_token(parse_token(big), uri=other, key=by.public, at=AT)
        await desk.storage.write(lambda tx: knowledge.keep_list(tx, COURT, token, AT))
        whole = parse_bundle((await packs.make(desk)).data)
        size = sum(len(each.data) + 200 for each in whole.artefacts)
        monkeypatch.setattr(packs, "_ROOM", size - 1)
        made = await packs.make(desk)
        assert [parse_token(each).uri for each in parse_bundle(made.data).of(STATUS_LIST)] == [LIST]
        assert (made.lists, made.issuers) == (1, 1)
        monkeypatch.setattr(packs, "_ROOM", 0)
        assert parse_bundle((await packs.make(desk)).data).of(STATUS_LIST) == ()
        (desk.directory / "trust.json").write_bytes(
            render_trust(TrustAnchors(anchors=(replace(Publisher().pin, without_snapshot=True),), federation=desk.trust.federation))
        )
        await refreshed(desk, town)
        assert [parse_token(each).uri for each in parse_bundle((await packs.make(desk)).data).of(STATUS_LIST)] == [LIST]


async def test_two_forms_that_differ_are_not_packed_together(template: Template, tmp_path: Path) -> None:
    for number, other in enumerate((status_cwt({1: 1}), status_cwt(iat=AT - 7200), b"nothing", status_token().encode())):
        async with opened(template, tmp_path / str(number)) as desk:
            await refreshed(desk, Site(cwt={LIST: other}))
            made = parse_bundle((await packs.make(desk)).data)
        assert STATUS_LIST_CWT not in {each.media_type for each in made.artefacts}


async def test_no_pack_without_what_the_anchor_says(template: Template, tmp_path: Path) -> None:
    """With such a pack alone nothing could be decided; whoever makes it is told, unless the owner does without."""
    async with opened(template, tmp_path / "head") as desk:
        await refreshed(desk, Site(trust=None))
        with pytest.raises(SnapshotMissing) as caught:
            await packs.make(desk)
        assert "--without-snapshot" in caught.value.detail
        assert await check(desk) == ("accepted", "")  # online it is asked as before
        waived = replace(desk.trust, anchors=tuple(replace(each, without_snapshot=True) for each in desk.trust.anchors))
        (desk.directory / "trust.json").write_bytes(render_trust(waived))
        data = (await packs.make(desk)).data
    async with opened(template, tmp_path / "branch") as branch:
        with pytest.raises(Untrusted):
            await applying.apply(branch, data + b"x", actor="Bea")
        trusting(branch, parse_bundle(data).signer)
        taken = await applying.apply(branch, data, actor="Bea")
        assert (taken.lists, "without" in taken.faults[0] or "publishes none" in taken.faults[0]) == (0, True)
        assert (await check(branch))[0] == "undecided"
        (branch.directory / "trust.json").write_bytes(render_trust(replace(waived, bundle_signers=branch.trust.bundle_signers)))
        await applying.apply(branch, data, actor="Bea")
        assert (await check(branch, seed="second"))[0] == "accepted"


# --- on the network -----------------------------------------------------------------------------------------------------------------------


async def test_what_anchors_say_counts_from_the_visit_that_brought_it(template: Template, tmp_path: Path) -> None:
    site, clock = Site(), Watch(AT)
    async with opened(template, tmp_path / "desk", clock=clock) as desk:
        store = await refreshed(desk, site)
        assert await check(desk) == ("accepted", "")
        site.trust = Publisher(seq=2, withdrawn=(2,))
        await store.refresh(site)
        assert await check(desk, seed="second") == ("rejected", "certificate_revoked")
        site.trust = Publisher(seq=3, keys=(ended(KeyState.COMPROMISED, AT),))
        await store.refresh(site)
        assert await check(desk, seed="third") == ("rejected", "certificate_revoked")


@pytest.mark.parametrize("later", [Publisher(seq=1, withdrawn=(9,)), Publisher(seq=1, at=AT - 90), None, Publisher(seq=3, at=AT + 400)])
async def test_what_was_heard_is_not_taken_back(later: Publisher | None, template: Template, tmp_path: Path) -> None:
    """An older snapshot, a rewritten one, none at all, one from the future: what was heard before stays in force."""
    site = Site(trust=Publisher(seq=2, withdrawn=(2,)))
    async with opened(template, tmp_path / "desk") as desk:
        store = await refreshed(desk, site)
        site.trust = later
        await store.refresh(site)
        assert await check(desk) == ("rejected", "certificate_revoked")


async def test_a_snapshot_that_ran_out_decides_nothing(template: Template, tmp_path: Path) -> None:
    site, clock = Site(), Watch(AT)
    async with opened(template, tmp_path / "desk", clock=clock) as desk:
        store = await refreshed(desk, site)
        site.down.add(TRUST)
        clock.at = AT + 7 * DAY
        site.lists[LIST] = status_token(iat=clock.at - 60)
        await store.refresh(site)
        outcome = await copies.bring(desk, store, copy_file(at=clock.at), made_by="desk")
        assert (outcome.decision.decision, outcome.decision.code) == ("undecided", "crl_stale")


# --- taken in -----------------------------------------------------------------------------------------------------------------------------


async def test_a_verifier_that_is_never_online_lives_from_packs(template: Template, tmp_path: Path) -> None:
    data, signer = await make(template, tmp_path / "head")
    async with opened(template, tmp_path / "branch", visit_issuers=False) as branch:
        assert await check(branch) == ("undecided", "status_unknown")
        trusting(branch, signer)
        taken = await applying.apply(branch, data, actor="Bea Clerk")
        assert (taken.lists, taken.faults, taken.applied.actor) == (1, (), "Bea Clerk")
        outcome = await copies.bring(branch, Store(branch), copy_file(seed="second"), made_by="desk")
        assert outcome.decision.decision == "accepted"
        assert outcome.decision.source is not None
        assert (outcome.decision.source.seq, outcome.decision.source.signer) == (1, signer)
        again = await applying.apply(branch, data, actor="Bea Clerk")
        assert again.applied.digest == taken.applied.digest
        own = parse_bundle((await packs.make(branch)).data)  # for its own pages
        assert json.loads(own.of(PAGE_KEYS)[0])["issuers"][0]["iss"] == ISSUER


async def test_cancelled_in_the_pack_is_cancelled(template: Template, tmp_path: Path) -> None:
    data, signer = await make(template, tmp_path / "head", Site(lists={LIST: status_token({IDX: 1})}))
    async with opened(template, tmp_path / "branch") as branch:
        trusting(branch, signer)
        await applying.apply(branch, data, actor="Bea")
        assert await check(branch) == ("rejected", "revoked")


async def test_packs_are_not_taken_from_anybody_nor_backwards(template: Template, tmp_path: Path) -> None:
    first, signer = await make(template, tmp_path / "head")
    second, _ = await make(template, tmp_path / "head")
    async with opened(template, tmp_path / "branch") as branch:
        (branch.directory / "trust.json").write_bytes(render_trust(replace(branch.trust, bundle_signers=())))
        for bad in (first, first[:-20], b"", b"{}"):
            with pytest.raises(Untrusted):
                await applying.apply(branch, bad, actor="Bea")
        trusting(branch, signer)
        await applying.apply(branch, second, actor="Bea")
        with pytest.raises(BundleRolledBack):
            await applying.apply(branch, first, actor="Bea")
        assert [each.seq for each in await branch.storage.read(records.applied)] == [2]


async def test_a_list_that_nobody_trusted_signed_is_not_used(template: Template, tmp_path: Path) -> None:
    data, signer = await make(template, tmp_path / "head")
    async with opened(template, tmp_path / "branch") as branch:
        pinned = tuple(replace(each, entity="https://other.example") for each in branch.trust.anchors)
        (branch.directory / "trust.json").write_bytes(render_trust(replace(branch.trust, anchors=pinned, bundle_signers=(signer,))))
        with pytest.raises(Untrusted):
            await applying.apply(branch, data, actor="Bea")  # its snapshot is for another entity than the anchor is pinned for
        (branch.directory / "trust.json").write_bytes(render_trust(replace(branch.trust, anchors=(), bundle_signers=(signer,))))
        taken = await applying.apply(branch, data, actor="Bea")
        assert (taken.lists, len(taken.faults)) == (0, 1)


# --- fetched ------------------------------------------------------------------------------------------------------------------------------


@dataclass
class Proxy:
    """Everything that leaves the branch goes through here and is written down; connections can be made to break."""

    answer: Callable[[Fetch], Any]
    log: list[Fetch] = field(default_factory=list)
    broken_after: int | None = None

    async def __call__(self, fetch: Fetch) -> Fetched:
        self.log.append(fetch)
        if self.broken_after is not None:
            if self.broken_after == 0:
                raise Unavailable("the connection broke")
            self.broken_after -= 1
        got: Fetched = await self.answer(fetch)
        return got

    @property
    def ranges(self) -> list[str]:
        return [each.headers.get("range", "") for each in self.log]


@pytest.fixture
async def head(template: Template, tmp_path: Path) -> AsyncIterator[Running]:
    async with serving(template, tmp_path / "head") as running:
        yield running


def route(head: Running) -> Proxy:
    async def answer(fetch: Fetch) -> Fetched:
        assert fetch.url == URL
        return await head.fetch(replace(fetch, url=f"{head.url}/packs/newest"))

    return Proxy(answer)


async def branch_of(head: Running, branch: Desk) -> None:
    trusting(branch, thumbprint(await head.desk.custodian.public(BUNDLE)))


async def test_a_pack_is_fetched_with_its_etag(head: Running, template: Template, tmp_path: Path) -> None:
    async with opened(template, tmp_path / "branch", pack_url=URL, visit_issuers=False) as branch:
        await branch_of(head, branch)
        proxy = route(head)
        assert await fetching.is_due(branch)
        taken = await fetching.fetch(branch, proxy)
        assert taken is not None
        assert taken.lists == 1
        assert await check(branch) == ("accepted", "")
        assert not await fetching.is_due(branch)
        assert await fetching.fetch(branch, proxy) is None
        assert proxy.log[-1].headers["if-none-match"].startswith('"')
        branch.clock.at += 6 * 3_600  # type: ignore[attr-defined] # a Watch
        assert await fetching.is_due(branch)
    async with opened(template, tmp_path / "other") as without:
        assert not await fetching.is_due(without)


async def test_a_broken_download_goes_on_where_it_stopped(
    head: Running, template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pack of a desk with no list but one has some 135,000 bytes, nearly all of it the kinds of document in the words of both languages: at
    1,000 bytes a piece it would need more requests than one visit makes (``MOST``), and the next one would go on.
    """
    monkeypatch.setattr(fetching, "PIECE", 4_000)
    async with opened(template, tmp_path / "branch", pack_url=URL) as branch:
        await branch_of(head, branch)
        proxy = route(head)
        for _ in range(3):
            proxy.broken_after = 2
            with pytest.raises(Unavailable):
                await fetching.fetch(branch, proxy)
        assert (await branch.storage.read(lambda tx: records.download(tx, URL))).fault == "the connection broke"
        proxy.broken_after = None
        taken = await fetching.fetch(branch, proxy)
        assert taken is not None
        good = list(dict.fromkeys(proxy.ranges))
        assert good[:4] == ["bytes=0-3999", "bytes=4000-7999", "bytes=8000-11999", "bytes=12000-15999"]
        assert sum(each.headers["range"] == "bytes=0-3999" for each in proxy.log) == 1
        assert all("if-range" in each.headers for each in proxy.log[1:])
        assert await branch.storage.read(lambda tx: records.pieces(tx, URL)) == b""


def test_one_visit_is_enough_for_the_largest_pack() -> None:
    """Twice over, at the true size of a piece: the bound on requests refuses nobody's pack."""
    assert fetching.PIECE * fetching.MOST >= 2 * MAX_BYTES


async def test_a_newer_pack_in_between_starts_again(
    head: Running, template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PIECE", 1_000)
    async with opened(template, tmp_path / "branch", pack_url=URL) as branch:
        await branch_of(head, branch)
        proxy = route(head)
        proxy.broken_after = 2
        with pytest.raises(Unavailable):
            await fetching.fetch(branch, proxy)
        head.clock.at += 3_600
        branch.clock.at += 3_600  # type: ignore[attr-defined]
        proxy.broken_after = None
        taken = await fetching.fetch(branch, proxy)
        assert taken is not None
        assert taken.applied.seq == 2


def spoken(status: int, body: bytes = b"", **headers: str) -> Proxy:
    async def answer(_: Fetch) -> Fetched:
        return Fetched(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body)

    return Proxy(answer)


@pytest.mark.parametrize(
    ("proxy", "error"),
    [
        (spoken(500), Unavailable),
        (spoken(206, b"abc"), Unavailable),
        (spoken(206, b"abc", content_range="bytes 0-2/9"), Unavailable),
        (spoken(206, b"abc", content_range="bytes 1-3/9", etag='"x"'), Unavailable),
        (spoken(206, b"abc", content_range="bytes 0-3/9", etag='"x"'), Malformed),
        (spoken(206, b"abc", content_range="bytes 0-2/999999999", etag='"x"'), TooLarge),
        (spoken(206, b"abc", content_range="bytes 0-2/3", etag='"x"'), Untrusted),
        (spoken(200, b"no pack", etag='"x"'), Untrusted),
        (spoken(416), Unavailable),
    ],
)
async def test_an_address_that_serves_something_else(proxy: Proxy, error: type[VcError], template: Template, tmp_path: Path) -> None:
    async with opened(template, tmp_path / "branch", pack_url=URL) as branch:
        with pytest.raises(error):
            await fetching.fetch(branch, proxy)
        assert (await branch.storage.read(lambda tx: records.download(tx, URL))).fault


async def test_pieces_that_no_longer_fit_are_dropped(template: Template, tmp_path: Path, head: Running) -> None:
    async with opened(template, tmp_path / "branch", pack_url=URL) as branch:
        await branch_of(head, branch)
        begun = spoken(206, b"abc", content_range="bytes 0-2/9", etag='"x"')
        begun.broken_after = 1
        with pytest.raises(Unavailable):
            await fetching.fetch(branch, begun)
        assert await branch.storage.read(lambda tx: records.pieces(tx, URL)) == b"abc"
        real = route(head)

        async def first_too_far(fetch: Fetch) -> Fetched:
            return Fetched(status=416) if len(proxy.log) == 1 else await real(fetch)

        proxy = Proxy(first_too_far)
        assert await fetching.fetch(branch, proxy) is not None


async def test_nothing_specific_to_a_presentation_is_fetched(head: Running, template: Template, tmp_path: Path) -> None:
    """S21: with and without presentations in between, what leaves the branch is the same to the byte."""
    logs = []
    for used in (False, True):
        async with opened(template, tmp_path / f"branch-{used}", pack_url=URL, visit_issuers=False) as branch:
            await branch_of(head, branch)
            proxy = route(head)
            await fetching.fetch(branch, proxy)
            if used:
                for number in range(3):
                    assert (await check(branch, seed=str(number)))[0] == "accepted"
            await fetching.fetch(branch, proxy)
            logs.append([(each.method, each.url, dict(each.headers), each.body) for each in proxy.log])
    assert logs[0] == logs[1]
    assert {url for log in logs for _, url, _, _ in log} == {URL}


async def test_online_too_nothing_is_fetched_for_a_presentation(template: Template, tmp_path: Path) -> None:
    site = Site()
    async with opened(template, tmp_path / "desk") as desk:
        store = await refreshed(desk, site)
        before = list(site.asked)
        for number in range(3):
            await copies.bring(desk, store, copy_file(seed=str(number)), made_by="desk")
        assert site.asked == before


# --- served -------------------------------------------------------------------------------------------------------------------------------


async def test_the_newest_pack_is_served_to_everybody_alike(head: Running) -> None:
    async with head.http.get(f"{head.base}/packs/newest") as answer:
        assert answer.status == 200
        data, tag = await answer.read(), answer.headers["ETag"]
    assert parse_bundle(data).iss == BANK
    for headers, status in (
        ({"If-None-Match": tag}, 304),
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=10-19"}, 200),  # nothing says that it is a rest of this very pack
        ({"Range": "bytes=10-19", "If-Range": tag}, 206),
        ({"Range": "bytes=10-", "If-Range": tag}, 206),
        ({"Range": "bytes=10-19", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=9-1", "If-Range": tag}, 200),
        ({"Range": f"bytes={len(data)}-", "If-Range": tag}, 416),
    ):
        async with head.http.get(f"{head.base}/packs/newest", headers=headers) as answer:
            assert answer.status == status, headers
            got = await answer.read()
        if status == 206:
            start = int(headers["Range"].partition("=")[2].partition("-")[0])
            assert got == data[start : start + 10] or headers["Range"].endswith("-")


async def test_what_is_in_force_is_published(head: Running) -> None:
    async with head.http.get(f"{head.base}/.well-known/muniment-trust") as answer:
        assert answer.status == 200
        document = json.loads(await answer.read())
    assert document.keys() == {"snapshot", "artefacts"}


async def test_desks_of_this_organisation_get_the_same_pack(head: Running) -> None:
    served = await Packs(head.desk).current()
    assert parse_bundle(served.data).iss == BANK


# --- pages --------------------------------------------------------------------------------------------------------------------------------


async def test_pages_of_packs(head: Running, template: Template, tmp_path: Path) -> None:
    async with head.http.get(f"{head.base}/packs/newest") as answer:
        data = await answer.read()
    async with serving(template, tmp_path / "branch", local=True, refresh=False, visit_issuers=False, pack_url=URL) as running:
        clerk = await Clerk(running).sign_in()
        page = await clerk.get("/desk/trust/packs")
        assert "told not to visit issuers" in page

        assert "Choose the file of a checking pack" in await clerk.upload("/desk/trust/packs", b"", "", status=400)
        trusting(running.desk)
        (running.desk.directory / "trust.json").write_bytes(render_trust(replace(running.desk.trust, bundle_signers=())))
        assert "by nobody whose checking packs are used here." in await clerk.upload("/desk/trust/packs", data, "monday.json", status=400)
        trusting(running.desk, thumbprint(await head.desk.custodian.public(BUNDLE)))
        page = await clerk.upload("/desk/trust/packs", data, "monday.json")
        assert "The checking pack is in use" in page
        assert "Lists of cancelled documents: 1" in page
        assert "taken in on 15 January 2027 at 08:00 by Bea Clerk" in page
        assert "Checks rest on checking pack 1" in await clerk.get("/desk/trust")
        async with running.http.get(f"{running.base}/desk/trust/packs/newest") as answer:
            assert answer.headers["Content-Disposition"] == 'attachment; filename="checking-pack.json"'
            assert answer.status == 200
        running.clock.at += 8 * DAY
        await clerk.sign_in()
        page = await clerk.get("/desk/trust/packs")
        assert "past its end" in page
        assert "has run out. Nothing by it can be decided" in page
        assert "That has run out" in await clerk.get("/desk/trust")


async def test_a_pack_is_offered_where_one_can_be_made(template: Template, tmp_path: Path) -> None:
    """The page asks what the download asks: nobody is led to a refusal."""
    link = 'href="/desk/trust/packs/newest"'
    async with serving(template, tmp_path / "silent", site=Site(trust=None), refresh=False, local=True) as silent:
        clerk = await Clerk(silent).sign_in()
        page = await clerk.get("/desk/trust/packs")
        assert (link in page, "There is nothing to put into one yet." in page) == (False, True)
        await silent.store.refresh(silent.site)
        page = await clerk.get("/desk/trust/packs")
        assert (link in page, "has not said yet what is in force" in page) == (False, True)
    async with serving(template, tmp_path / "told", local=True) as told:
        clerk = await Clerk(told).sign_in()
        assert link in await clerk.get("/desk/trust/packs")
        await told.desk.storage.write(lambda tx: tx.execute("UPDATE status_list SET entity = 'https://other.example'"))
        page = await clerk.get("/desk/trust/packs")
        assert (link in page, "has sent no list of cancelled documents yet" in page) == (False, True)


async def test_by_command(template: Template, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Pin the signer, look, take it in; the same file by a stranger's hand is refused."""
    data, signer = await make(template, tmp_path / "head")
    (tmp_path / "monday.pack").write_bytes(data)
    async with opened(template, tmp_path / "branch") as branch:
        (branch.directory / "trust.json").write_bytes(render_trust(replace(branch.trust, bundle_signers=())))
    where = ("--dir", str(tmp_path / "branch"))
    pack = str(tmp_path / "monday.pack")

    async def run(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(main, [*arguments, *where])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, told = await run("bundle", "apply", pack)
    assert (code, "[untrusted]" in told) == (1, True)
    assert (await run("bundle", "trust", pack))[0] == 78
    assert (await run("bundle", "trust", pack, "--thumbprint", signer))[0] == 0
    # Made in the small world's year, and read by this machine's clock: dated ahead, and so refused.
    code, told = await run("bundle", "apply", pack)
    assert (code, "[not_yet_valid]" in told or "[bundle_stale]" in told) == (1, True)


def test_registry_is_the_publisher() -> None:
    assert Publisher().pin.certificate == registry().certificate
