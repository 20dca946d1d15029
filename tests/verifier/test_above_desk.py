"""What those above a desk say of it: heard by the clock, shown to its staff, and its trust marks in what it says of itself."""

from __future__ import annotations

from pathlib import Path

from support.clerk import Clerk
from support.desk import BANK, Template, serving
from support.federation import MINISTRY, signed
from support.federations import justice
from support.ministry import Ministry
from support.signing import AT
from support.trial_verify import ISSUER

from shared.storage import Tx
from shared.trust.statements import parse_statement
from shared.web import above
from shared.web.above import OwnMark
from shared.web.trust_file import change
from verifier import app as composition
from verifier.opening import entity_of

REALM = justice()
PAGE = "/desk/trust/above"


async def test_it_is_heard_by_the_clock_and_shown(template: Template, tmp_path: Path) -> None:
    site = Ministry(realm=REALM)
    async with serving(template, tmp_path / "desk", site=site, local=True, authority_hints=(MINISTRY,)) as desk:
        clerk = await Clerk(desk).sign_in()
        assert PAGE in await clerk.get("/desk/trust")
        assert "said nothing of us yet" in await clerk.get(PAGE)
        await composition.hear_above(desk.app)
        asked = len(site.asked)
        page = await clerk.get(PAGE)
        assert f"The body at {MINISTRY}" in page
        assert "Its word counts until" in page
        assert "another key than the one that we use now" in page
        assert "grants nothing more" not in page
        await composition.hear_above(desk.app)
        assert len(site.asked) == asked
        desk.clock.at += above.EVERY
        site.silent = True
        await composition.hear_above(desk.app)
        await clerk.sign_in()
        page = await clerk.get(PAGE)
        assert "Its word counts until" in page
        assert "could not be read" in page
        desk.clock.at += 30 * 86_400
        await clerk.sign_in()
        assert "has run out" in await clerk.get(PAGE)


async def test_a_desk_that_visits_nobody_asks_nobody_above(template: Template, tmp_path: Path) -> None:
    site = Ministry(realm=REALM)
    async with serving(template, tmp_path / "desk", site=site, authority_hints=(MINISTRY,), visit_issuers=False) as desk:
        site.asked.clear()
        await composition.hear_above(desk.app)
        assert site.asked == []


async def test_its_trust_marks_are_in_what_it_says_of_itself(template: Template, tmp_path: Path) -> None:
    kind = "https://justice.example/marks/inspected"
    claims = {"iss": MINISTRY, "sub": BANK, "trust_mark_type": kind, "iat": AT, "exp": AT + 86_400}
    ministry = REALM[MINISTRY]
    token = signed(claims, ministry.signer, typ="trust-mark+jwt", kid=ministry.key.kid)
    mark = OwnMark(issuer=MINISTRY, type=kind, expires_at=AT + 86_400, token=token)
    other = OwnMark(issuer="https://former.example", type=kind, expires_at=AT + 86_400, token=token)

    async def keep(tx: Tx) -> None:
        await above.keep_marks(tx, MINISTRY, [mark])
        await above.keep_marks(tx, other.issuer, [other])

    async with serving(template, tmp_path / "desk", authority_hints=(MINISTRY,)) as desk:
        await desk.desk.storage.write(keep)
        held = parse_statement(await entity_of(desk.desk).configure()).trust_marks
        assert [tuple(each) for each in held] == [(kind, token)]


async def test_who_belongs_to_a_federation_is_listed_with_what_each_may_make(template: Template, tmp_path: Path) -> None:
    site = Ministry(realm=REALM)
    async with serving(template, tmp_path / "desk", site=site, local=True, refresh=False) as desk:
        change(desk.desk.directory / "trust.json", lambda trust: trust.add_federation(REALM.pin(MINISTRY)))
        await desk.store.refresh(site)
        clerk = await Clerk(desk).sign_in()
        where = f"/desk/trust/members?anchor={MINISTRY}"
        assert "Who belongs to Trial" in await clerk.get("/desk/trust")
        page = await clerk.get(where)
        assert f"The body at {BANK}" in page
        assert "Power of attorney" in page
        assert "It may make no documents." in page
        assert "Nobody fits." in await clerk.get(f"{where}&q=nowhere")
        assert f"The body at {BANK}" not in await clerk.get(f"{where}&q={ISSUER}")
        desk.clock.at += 30 * 86_400
        await clerk.sign_in()
        assert "nothing by it counts now" in await clerk.get(where)
        async with desk.http.get(f"{desk.base}/desk/trust/members?anchor={BANK}") as answer:
            assert answer.status == 404
