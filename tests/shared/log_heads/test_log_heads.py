from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.asking import ENTITY, KEY, Asker
from support.signing import AT
from support.trial_verify import ISSUER, Dice, registry

from shared import log_heads
from shared.codec import base64url, strict_json
from shared.errors import (
    BadSignature,
    HistoryRewritten,
    KeyRoleRefused,
    Malformed,
    NotYetValid,
    TooLarge,
    Unavailable,
    Untrusted,
    VcError,
    WrongTyp,
)
from shared.flow import Fetch, Fetched, run
from shared.jose.jwt import parse_jwt, prepare_jwt
from shared.keys import Role, check_role
from shared.log_heads import (
    TYPS,
    Followed,
    SignedHead,
    follow_log,
    peek_log_head,
    prepare_log_head,
    render_commitments,
    render_heads,
    verify_log_head,
)
from shared.receipts import LogEntry, LogHead, commit, extend, forget, verify_log
from shared.trust.anchors import TrustAnchors
from shared.trust.policy import Policy
from shared.x509 import x5c_header

BANK = Asker.new()
ASKS, MAKES = Role.RELYING_PARTY, Role.CREDENTIAL_ISSUER
SAID = SignedHead(entity=ENTITY, at=AT, head=LogHead(size=7, digest=bytes(range(32))))
OFFICE = SignedHead(entity=ISSUER, at=AT, head=SAID.head)
MAKERS = Policy(TrustAnchors(anchors=(registry().pin(),)))


def sign(said: SignedHead = SAID, asker: Asker = BANK) -> str:
    return asker.signer.finish(prepare_log_head(said, role=ASKS, key=KEY, x5c=[asker.certificate]))


def of_office(role: Role = MAKES) -> str:
    return registry().signer.finish(prepare_log_head(OFFICE, role=role, key=KEY, x5c=registry().x5c))


def verify(token: str, *, entity: str = ENTITY, at: int = AT) -> SignedHead:
    return verify_log_head(token, policy=BANK.policy(), role=ASKS, entity=entity, at=at)


def forged(typ: str = "log-head+jwt", header: Mapping[str, Any] | None = None, asker: Asker = BANK, **members: Any) -> str:
    claims = {"iss": ENTITY, "iat": AT, "size": 7, "digest": base64url.encode(bytes(32))} | members
    chosen = {"x5c": x5c_header([BANK.certificate])} if header is None else header
    return asker.signer.finish(prepare_jwt(claims, typ=typ, key=KEY, header=chosen))


def of_members(members: Mapping[str, Any]) -> str:
    return forged(**members)


def test_a_head_is_signed_and_read_back() -> None:
    token = sign()
    assert parse_jwt(token).header["typ"] == "log-head+jwt"
    assert set(parse_jwt(token).claims) == {"iss", "iat", "size", "digest"}
    assert verify(token) == peek_log_head(token) == SAID
    assert verify_log_head(of_office(), policy=MAKERS, role=MAKES, entity=ISSUER, at=AT) == OFFICE


def test_each_role_signs_its_own_and_no_other() -> None:
    for role, typ in TYPS.items():
        check_role(role, typ)
        for other in set(Role) - {role}:
            with pytest.raises(KeyRoleRefused):
                check_role(other, typ)


@pytest.mark.parametrize(
    ("token", "error"),
    [
        (forged("receipt+jwt"), WrongTyp),
        (forged("issuer-log-head+jwt"), WrongTyp),
        (forged(header={}), Malformed),
        (forged(iat=AT + 3600), NotYetValid),
        (forged(digest="AAAA"), Malformed),
        (forged(digest="?"), Malformed),
        (forged(size=-1), Malformed),
        (forged(iss=""), Malformed),
        (forged(iss=f"https://{'x' * 2_048}.example"), TooLarge),
        (forged(iss="https://other.example"), Untrusted),
        (sign(asker=Asker.new()), Untrusted),
        (forged(header={"x5c": x5c_header([Asker.new().certificate])}), Untrusted),
        (forged(asker=Asker.new()), BadSignature),
        (of_office(), Untrusted),
        ("x", Malformed),
    ],
)
def test_what_is_no_head_of_this_body(token: str, error: type[VcError]) -> None:
    with pytest.raises(error):
        verify(token)


def test_the_head_of_an_office_as_one_who_asks_signs_it() -> None:
    with pytest.raises(WrongTyp):
        verify_log_head(of_office(ASKS), policy=MAKERS, role=MAKES, entity=ISSUER, at=AT)


@given(st.text() | st.dictionaries(st.sampled_from(["iss", "iat", "size", "digest"]), st.text() | st.integers()).map(of_members))
def test_any_text_is_a_head_or_a_vc_error(token: str) -> None:
    try:
        verify(token)
    except VcError:
        return


# --- along the chain -------------------------------------------------------------------------------------------------------------------

ENTRIES = [commit({"n": place}, entropy=Dice(str(place))) for place in range(6)]


def heads(entries: list[LogEntry] = ENTRIES) -> list[LogHead]:
    found: list[LogHead] = []
    for entry in entries:
        found.append(extend(found[-1] if found else None, entry))
    return found


def test_commitments_alone_lead_from_one_head_to_the_next() -> None:
    told = [forget(entry) for entry in ENTRIES]
    assert verify_log(told[2:], heads=heads()[1:], start=heads()[1]) == heads()[5]
    assert verify_log([], heads=[heads()[1]], start=heads()[1]) == heads()[1]


@pytest.mark.parametrize("known", [LogHead(size=4, digest=bytes(32)), LogHead(size=9, digest=bytes(32)), heads()[0]])
def test_a_head_beside_the_way_behind_it_or_before_it(known: LogHead) -> None:
    with pytest.raises(HistoryRewritten):
        verify_log([forget(entry) for entry in ENTRIES[2:]], heads=[known], start=heads()[1])


# --- following a log -------------------------------------------------------------------------------------------------------------------

SITE = "https://bank.example/desk"


class Log:
    """What a body publishes of ``ENTRIES``: a head each day, two entries a day, a page of two days."""

    def __init__(self, entries: list[LogEntry] = ENTRIES) -> None:
        self.entries, self.asked, self.pages = entries, list[str](), dict[str, bytes]()
        tokens = [sign(replace(SAID, head=head)) for head in reversed(heads(entries)[1::2])]
        self.pages["/log/heads"] = render_heads(tokens[:2], "2026-02-02")
        self.pages["/log/heads?before=2026-02-02"] = render_heads(tokens[2:], None)

    def __call__(self, fetch: Fetch) -> Fetched:
        path = fetch.url.removeprefix(SITE)
        self.asked.append(path)
        if path.startswith("/log/commitments") and path not in self.pages:
            first, last = (int(each.rpartition("=")[2]) for each in path.split("&"))
            return Fetched(status=200, body=render_commitments(first, [each.commitment for each in self.entries[first - 1 : last]]))
        return Fetched(status=200, body=self.pages[path]) if path in self.pages else Fetched(status=404)

    def follow(self, oldest: int, reached: LogHead | None = None) -> Followed:
        followed = run(follow_log(SITE, oldest=oldest, check=verify, reached=reached), self)
        assert followed is not None
        return followed


def told(*known: LogHead, at: int = AT) -> list[SignedHead]:
    return [replace(SAID, at=at, head=each) for each in known]


def test_the_way_begins_at_a_day_that_everybody_knows() -> None:
    log = Log()
    followed = log.follow(5)
    assert followed.newest.head == heads()[5]
    assert log.asked == ["/log/heads", "/log/commitments?from=5&to=6"]
    followed.check(told(heads()[4], heads()[5]))
    followed.check(told(heads()[0], LogHead(size=9, digest=bytes(32))))  # from before the way, and from after it
    with pytest.raises(HistoryRewritten):
        followed.check(told(LogHead(size=5, digest=bytes(32))))


def test_a_log_that_has_become_shorter() -> None:
    """Whoever was told of more entries well before the newest head was signed."""
    longer = LogHead(size=9, digest=bytes(32))
    Log().follow(0).check(told(longer, at=AT - 300))
    with pytest.raises(HistoryRewritten):
        Log().follow(0).check(told(longer, at=AT - 301))


def test_a_signed_head_needs_no_leeway_and_an_older_one_accuses_nobody() -> None:
    """A body's own later word with fewer entries is proof at once; an earlier one hides what followed."""
    followed = Log().follow(0)
    (signed,) = told(LogHead(size=9, digest=bytes(32)), at=followed.newest.at - 1)
    followed.check([signed])
    assert not followed.older(signed)
    with pytest.raises(HistoryRewritten):
        followed.check([], [signed])
    for at in (followed.newest.at, followed.newest.at + 1):
        (signed,) = told(LogHead(size=9, digest=bytes(32)), at=at)
        assert followed.older(signed)
        followed.check([], [signed])
    assert not followed.older(followed.newest)


@pytest.mark.parametrize(("oldest", "start"), [(3, 2), (2, 2), (1, 0), (0, 0)])
def test_further_back_where_something_older_is_known(oldest: int, start: int) -> None:
    log = Log()
    followed = log.follow(oldest)
    assert log.asked[1] == "/log/heads?before=2026-02-02"
    assert followed.start.size == start
    followed.check(told(*heads()[max(0, start - 1) :]))


def test_an_empty_page_of_heads_is_the_beginning() -> None:
    log = Log()
    log.pages["/log/heads?before=2026-02-02"] = render_heads([], None)
    assert log.follow(3).start.size == 0


def test_going_back_has_an_end() -> None:
    log = Log()
    log.pages["/log/heads?before=2026-02-02"] = log.pages["/log/heads"]
    log.follow(1).check(told(*heads()))
    assert len(log.asked) == 62


def test_a_body_that_publishes_no_log() -> None:
    assert run(follow_log(SITE, oldest=0, check=verify), lambda _: Fetched(status=404)) is None
    assert run(follow_log(SITE, oldest=0, check=verify), lambda _: Fetched(status=200, body=render_heads([], None))) is None


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        ("/log/heads", None, Unavailable),
        ("/log/heads", b"[]", Malformed),
        ("/log/heads", b'{"heads":["x"]}', Malformed),
        ("/log/heads", b'{"heads":[],"before":"2026-02-02&x"}', Malformed),
        ("/log/heads", strict_json.dumps({"heads": ["x"] * 32}), TooLarge),
        ("/log/commitments?from=5&to=6", render_commitments(5, [bytes(32)]), HistoryRewritten),
        ("/log/commitments?from=5&to=6", render_commitments(5, [bytes(31)] * 2), Malformed),
        ("/log/commitments?from=5&to=6", b'{"commitments":["?","?"]}', Malformed),
    ],
)
def test_what_is_no_log(path: str, body: bytes | None, error: type[VcError]) -> None:
    log = Log()

    def answer(fetch: Fetch) -> Fetched:
        if fetch.url != f"{SITE}{path}":
            return log(fetch)
        return Fetched(status=503) if body is None else Fetched(status=200, body=body)

    with pytest.raises(error):
        run(follow_log(SITE, oldest=5, check=verify), answer)


@pytest.mark.parametrize("most", [1, 2, 4, 5])
def test_a_log_that_is_too_long_to_be_followed_at_once(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """Each visit goes on where the one before stood, whatever is in between two signed heads."""
    monkeypatch.setattr(log_heads, "MAX_FOLLOWED", most)
    log, reached, visits = Log(), LogHead(size=0, digest=bytes(32)), 0
    followed = log.follow(0)
    while not followed.whole:
        assert followed.reached == heads()[followed.start.size + most - 1]
        followed.check(told(*heads()))
        with pytest.raises(HistoryRewritten):
            followed.check(told(LogHead(size=followed.reached.size, digest=bytes(32))))
        reached, visits = followed.reached, visits + 1
        followed = log.follow(0, reached=reached)
        assert followed.start == reached
    assert (visits, followed.reached) == (-(-6 // most) - 1, followed.newest.head)
    followed.check(told(*heads()))
    assert log.asked.count("/log/heads?before=2026-02-02") == 1  # the way back is looked for once


def test_a_log_that_is_rewritten_between_two_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before what was reached or after it, shorter or longer: the way on does not lead to its newest head, or not past what was told."""
    monkeypatch.setattr(log_heads, "MAX_FOLLOWED", 4)
    reached = Log().follow(0).reached
    for kept in (0, 3):
        other = [*ENTRIES[:kept], *(commit({"o": place}, entropy=Dice(f"other {place}")) for place in range(6 - kept))]
        followed = Log(other).follow(0, reached=reached)
        assert followed.whole
        with pytest.raises(HistoryRewritten):
            followed.check([])
    other = [*ENTRIES[:4], *(commit({"o": place}, entropy=Dice(f"other {place}")) for place in range(2))]
    with pytest.raises(HistoryRewritten):
        Log(other).follow(0, reached=reached).check(told(heads()[4]))
    shorter = Log(ENTRIES[:2]).follow(0, reached=reached)
    with pytest.raises(HistoryRewritten):
        shorter.check([])


def test_a_newest_head_that_the_way_does_not_lead_to() -> None:
    log = Log()
    log.pages["/log/heads"] = render_heads([sign(replace(SAID, head=LogHead(size=6, digest=bytes(32))))], None)
    with pytest.raises(HistoryRewritten):
        log.follow(0).check([])
    log.pages["/log/heads"] = render_heads([sign(replace(SAID, head=heads()[1])), sign(replace(SAID, head=heads()[3]))], None)
    with pytest.raises(HistoryRewritten):  # it has become shorter
        log.follow(4).check([])


@given(st.dictionaries(st.sampled_from(["heads", "before"]), st.none() | st.text(max_size=12) | st.lists(st.text(max_size=5), max_size=3)))
def test_any_page_is_a_log_or_a_vc_error(page: dict[str, Any]) -> None:
    try:
        run(follow_log(SITE, oldest=0, check=verify), lambda _: Fetched(status=200, body=strict_json.dumps(page)))
    except VcError:
        return
