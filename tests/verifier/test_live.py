from __future__ import annotations

import json
from typing import Any

import pytest
from support.desk import BANK, URL, Running, lines, present, read_anchor
from support.signing import AT, Signer
from support.trial_verify import CLAIMS, DAY, IDX, LIST, issue, show, status_token, stranger

from shared.codec import strict_json
from shared.errors import AccessDenied
from shared.formats import Binding
from shared.jose import jwe
from shared.jose.jwt import parse_jwt
from shared.keys import Role
from shared.openid4vp import find_use, render_refusal, render_response
from shared.receipts import Exchange, peek_receipt, presentation_bytes, verify_receipt
from shared.trust.anchors import TrustAnchors, parse_anchor
from shared.trust.policy import Policy
from shared.urls import query_of, render_form
from verifier.settle import verify_decisions


async def test_whole_exchange(desk: Running) -> None:
    asked = await desk.ask()
    assert asked["state"] == "requested"
    assert query_of(asked["link"])["client_id"] == asked["client_id"] == desk.desk.client_id
    assert asked["link"].startswith(f"{URL}/request/{asked['id']}?")
    assert asked["scheme_link"].startswith("openid4vp://?")
    assert (await desk.state(asked))["state"] == "requested"
    request = await desk.read(asked)
    assert (await desk.state(asked))["state"] == "retrieved"
    token = present(request, at=AT)
    status, told = await desk.post(asked, render_response(request, token))
    assert status == 200
    policy = Policy(TrustAnchors(anchors=(parse_anchor(read_anchor(desk.desk), role=Role.RELYING_PARTY),)))
    receipt = verify_receipt(told["receipt"], Exchange(at=AT, presentation=presentation_bytes(token), nonce=request.nonce), policy=policy)
    assert (receipt.entity, receipt.decision, receipt.purpose_id, receipt.effective_from) == (BANK, "accepted", "bank", AT)
    assert receipt.log_head is not None
    assert receipt.log_head.size == 1
    state = await desk.state(asked)
    assert (state["state"], state["decision"], state["code"]) == ("answered", "accepted", "")
    verdict = state["verdict"]
    assert lines(verdict) == dict.fromkeys(lines(verdict), "passed")
    assert verdict["credentials"][0]["claims"]["represented"]["given_name"] == "Margaret"
    assert verdict["level"] == {"name": "live", "number": 3}
    assert verdict["status"] == {"as_of": AT - 3600, "age": 3600, "freshness": "fresh"}
    assert verdict["sentence"] == "You can rely on this."
    assert parse_jwt(state["receipt"]).claims == parse_jwt(told["receipt"]).claims


async def test_request_object_is_what_the_profile_demands(desk: Running) -> None:
    asked = await desk.ask()
    async with desk.http.get(f"{desk.base}/vp/request/{asked['id']}") as answer:
        assert answer.status == 200
        assert answer.content_type == "application/oauth-authz-req+jwt"
        token = parse_jwt(await answer.text())
    assert token.header["typ"] == "oauth-authz-req+jwt"
    assert len(token.header["x5c"]) == 1
    claims = token.claims
    assert claims["aud"] == "https://self-issued.me/v2"
    assert claims["response_mode"] == "direct_post.jwt"
    assert claims["response_uri"] == f"{URL}/vp/response/{asked['id']}"
    assert "redirect_uri" not in claims
    assert "client_id_scheme" not in claims
    assert "presentation_definition" not in claims
    metadata = claims["client_metadata"]
    assert metadata["encrypted_response_enc_values_supported"] == ["A128GCM", "A256GCM"]
    (key,) = metadata["jwks"]["keys"]
    assert (key["alg"], key["use"], "kid" in key, "d" in key) == ("ECDH-ES", "enc", True, False)
    assert "dc+sd-jwt" in metadata["vp_formats_supported"]
    other = await desk.read(await desk.ask())
    assert other.encryption_keys[0]["x"] != key["x"]
    assert other.nonce != claims["nonce"]


async def test_request_uri_fetched_twice_is_the_same(desk: Running) -> None:
    asked = await desk.ask()
    bodies = []
    for _ in range(2):
        async with desk.http.get(f"{desk.base}/vp/request/{asked['id']}") as answer:
            bodies.append(await answer.text())
    assert bodies[0] == bodies[1]
    assert (await desk.answer(asked))[0] == 200


async def test_wallet_nonce_comes_back(desk: Running) -> None:
    asked = await desk.ask()
    claims = []
    for body in (b"", b"wallet_nonce=abcdefgh12345678ABCDEF&wallet_metadata=%7B%7D", b""):
        headers = {"content-type": "application/x-www-form-urlencoded"}
        async with desk.http.post(f"{desk.base}/vp/request/{asked['id']}", data=body, headers=headers) as answer:
            assert answer.status == 200
            claims.append(parse_jwt(await answer.text()).claims)
    assert "wallet_nonce" not in claims[0]
    assert claims[1].pop("wallet_nonce") == "abcdefgh12345678ABCDEF"
    assert claims[0] == claims[1] == claims[2]


async def test_use_is_told_in_the_request(template: Any, tmp_path: Any) -> None:
    from support.desk import serving

    told: dict[str, Any] = {
        "privacy_policy": "https://northwold-bank.example/privacy", "contact": "privacy@northwold-bank.example",
        "how_to_complain": "https://northwold-bank.example/complain", "claims_kept": ("donor’s name",), "retention_days": 30,
    }  # fmt: skip
    async with serving(template, tmp_path / "desk", **told) as desk:
        request = await desk.read(await desk.ask(purpose="Open an account", purpose_cy="Agor cyfrif", purpose_id="open-account"))
        use = find_use(request.verifier_info)
        assert use is not None
        assert (use.identifier, use.purpose.en, use.purpose.cy) == ("open-account", "Open an account", "Agor cyfrif")
        assert (use.privacy_policy, use.retention_days, use.claims_kept) == (told["privacy_policy"], 30, ("donor’s name",))
        assert (use.contact, use.how_to_complain) == (told["contact"], told["how_to_complain"])


async def test_minimal_holder_key_is_accepted(desk: Running) -> None:
    """A ``cnf.jwk`` with nothing but kty, crv, x and y."""
    wire = issue(seed="minimal")
    payload = strict_json.loads(jwt_payload(wire))
    assert sorted(payload["cnf"]["jwk"]) == ["crv", "kty", "x", "y"]
    assert (await desk.answer(await desk.ask(), wire=wire))[0] == 200


def jwt_payload(wire: str) -> bytes:
    from shared.codec import base64url

    return base64url.decode(wire.split("~", 1)[0].split(".")[1])


YEAR = 365 * DAY


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"binding": {"nonce": "another-nonce-of-enough-bits"}}, "wrong_nonce"),
        ({"binding": {"audience": "x509_hash:somebody-else"}}, "wrong_audience"),
        ({"binding": {"audience": f"a:{BANK}"}}, "wrong_audience"),
        ({"by": Signer.new()}, "not_bound"),
        ({"by": Signer.new("EdDSA")}, "not_bound"),
        ({"by_issuer": stranger()}, "untrusted"),
        ({"expires_at": AT - 60}, "expired"),
        ({"claims": CLAIMS | {"powers": ["council-tax", "utilities"]}}, "outside_scope"),
        ({"paths": (("powers", 1),)}, "request_not_satisfied"),
        ({"paths": None}, "over_disclosed"),
    ],
)
async def test_bad_presentations_are_answered_with_4xx(desk: Running, how: dict[str, Any], code: str) -> None:
    asked = await desk.ask()
    if "by_issuer" in how:
        how = {"wire": issue(by=how["by_issuer"])}
    status, told = await desk.answer(asked, **how)
    assert status == 400
    assert told["error"] == "invalid_request"
    assert told["error_description"].startswith(f"{code}: ")
    assert parse_jwt(told["receipt"]).claims["decision"] == "rejected"
    assert parse_jwt(told["receipt"]).claims["reason_code"] == code
    state = await desk.state(asked)
    assert (state["decision"], state["code"], state["verdict"]["credentials"]) == ("rejected", code, [])


@pytest.mark.parametrize(("shift", "code"), [(-YEAR, "stale_binding"), (YEAR, "stale_binding"), (-600, "stale_binding"), (-50, "")])
async def test_holder_signature_of_another_time(desk: Running, shift: int, code: str) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    desk.clock.at += 120 if shift == -50 else 0
    status, told = await desk.post(asked, render_response(request, present(request, at=AT + shift)))
    assert (status, told.get("error_description", "").partition(":")[0]) == ((400, code) if code else (200, ""))


@pytest.mark.parametrize("part", ["issuer signature", "holder signature", "disclosure", "sd_hash"])
async def test_bent_presentations(desk: Running, part: str) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    token = present(request, at=AT)
    (wire,) = token["bank"]
    issued, *disclosures, binding = wire.split("~")
    if part == "issuer signature":
        issued = bend(issued)
    elif part == "holder signature":
        binding = bend(binding)
    elif part == "disclosure":
        disclosures[0] = bend(disclosures[0])
    else:
        disclosures = disclosures[1:]
    status, told = await desk.post(asked, render_response(request, {"bank": ["~".join([issued, *disclosures, binding])]}))
    code = {"issuer signature": "bad_signature", "holder signature": "not_bound", "sd_hash": "other_presentation"}.get(
        part, "bad_disclosure"
    )
    assert (status, told["error_description"].partition(":")[0]) == (400, code) or part == "disclosure"
    assert status == 400


def bend(segment: str) -> str:
    """Another character in the middle of the last part."""
    at = segment.rindex(".") + 20 if "." in segment else len(segment) // 2
    return segment[:at] + ("A" if segment[at] != "A" else "B") + segment[at + 1 :]


async def test_cancelled_and_held_documents(desk: Running) -> None:
    for value, code in ((2, "suspended"), (1, "revoked"), (0, "revoked")):  # cancelled once is cancelled for good (S19)
        desk.clock.at += 60
        desk.site.lists[LIST] = status_token({IDX: value}, iat=desk.clock.at)
        assert (await desk.call("POST", "/api/refresh"))[0] == 200
        asked = await desk.ask()
        status, told = await desk.answer(asked)
        assert (status, told["error_description"].partition(":")[0]) == (400, code)
        state = await desk.state(asked)
        assert state["verdict"]["sentence"].startswith("Do not rely on this: the issuer has")


async def test_undecided_is_neither_yes_nor_no(desk: Running) -> None:
    desk.clock.at += 3 * DAY
    asked = await desk.ask()
    status, told = await desk.answer(asked)
    assert (status, parse_jwt(told["receipt"]).claims["decision"]) == (200, "undecided")
    assert peek_receipt(told["receipt"]).status_list_iat == AT - 3_600
    assert "status_max_age" not in parse_jwt(told["receipt"]).claims, "until when a list was good that is not, helps nobody"
    state = await desk.state(asked)
    assert (state["decision"], state["code"]) == ("undecided", "status_stale")
    assert state["verdict"]["sentence"].startswith("Can’t tell yet: our list")
    low = await desk.ask(use={"stakes": "low"})
    status, told = await desk.answer(low)
    assert (status, peek_receipt(told["receipt"]).status_max_age) == (200, 7 * DAY)
    assert (await desk.state(low))["decision"] == "accepted"


async def test_never_fetched_list_is_undecided_and_is_not_fetched_for_it(desk: Running) -> None:
    asked_before = list(desk.site.asked)
    other = "https://opg.example/status/9"
    from shared.formats import StatusReference

    asked = await desk.ask()
    assert (await desk.answer(asked, status=StatusReference(uri=other, idx=4)))[0] == 200
    assert (await desk.state(asked))["code"] == "status_unknown"
    assert desk.site.asked == asked_before


async def test_answers_of_other_sessions_and_swapped_tokens_are_refused(desk: Running) -> None:
    one, other = await desk.ask(), await desk.ask()
    first, second = await desk.read(one), await desk.read(other)
    token = present(first, at=AT)
    # locked for the other request's key
    status, told = await desk.post(other, render_response(first, token))
    assert (status, told["error"]) == (400, "invalid_request")
    assert (await desk.state(other))["state"] == "retrieved"
    # the other request's state
    key, enc = first.encryption()
    body = render_form({"response": jwe.encrypt(strict_json.dumps({"vp_token": token, "state": second.state}), key, enc=enc)})
    assert (await desk.post(one, body))[0] == 400
    assert (await desk.state(one))["state"] == "retrieved"
    # the first's presentation in the second's envelope
    status, told = await desk.post(other, render_response(second, token))
    assert (status, told["error_description"].partition(":")[0]) == (400, "wrong_nonce")
    assert (await desk.post(one, render_response(first, token)))[0] == 200


async def test_answer_is_taken_once(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT))
    assert (await desk.post(asked, body))[0] == 200
    again = render_response(request, present(request, at=AT, seed="again"))
    status, told = await desk.post(asked, again)
    assert (status, told["error"], "receipt" in told) == (400, "invalid_request", False)
    assert (await desk.state(asked))["decision"] == "accepted"
    async with desk.http.get(f"{desk.base}/vp/request/{asked['id']}") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("good", [True, False])
async def test_the_same_bytes_get_the_same_receipt_and_change_nothing(desk: Running, *, good: bool) -> None:
    """For a wallet that never heard the answer: only these bytes, only at this request, and no longer than the verdict is kept."""
    asked, other = await desk.ask(), await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT) if good else present(request, at=AT, expires_at=AT - 60))
    status, told = await desk.post(asked, body)
    assert status == (200 if good else 400)
    before, lines = await desk.state(asked), (await verify_decisions(desk.desk)).size
    again, once_more = await desk.post(asked, body)
    first, second = (parse_jwt(each.pop("receipt")).claims for each in (told, once_more))
    assert (again, once_more, second) == (status, told, first)
    assert (await desk.state(asked) | {"receipt": ""}, (await verify_decisions(desk.desk)).size) == (before | {"receipt": ""}, lines)
    for where, bytes_ in ((other, body), (asked, body + b"&more=1")):
        status, told = await desk.post(where, bytes_)
        assert (status, "receipt" in told) == (400, False)
    desk.clock.at += desk.desk.settings.keep_minutes * 60
    status, told = await desk.post(asked, body)
    assert (status, told["error_description"]) == (400, "this request was answered already")


async def test_answers_after_the_end_are_refused(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    body = render_response(request, present(request, at=AT))
    desk.clock.at += 600
    status, told = await desk.post(asked, body)
    assert (status, told["error_description"]) == (400, "this request has run out")
    assert (await desk.state(asked))["state"] == "expired"
    async with desk.http.get(f"{desk.base}/vp/request/{asked['id']}") as answer:
        assert answer.status == 404


async def test_declined_closes_nothing(desk: Running) -> None:
    """Whoever saw the square code can say no in the holder's name."""
    asked = await desk.ask()
    request = await desk.read(asked)
    status, told = await desk.post(asked, render_refusal(AccessDenied("the person said no"), request.state))
    assert (status, told) == (200, {})
    state = await desk.state(asked)
    assert (state["state"], state["code"]) == ("declined", "access_denied")
    assert (await desk.post(asked, render_refusal(AccessDenied("no"), "another-state")))[0] == 400
    assert (await desk.post(asked, render_response(request, present(request, at=AT))))[0] == 200
    assert (await desk.state(asked))["decision"] == "accepted"
    assert (await desk.post(asked, render_refusal(AccessDenied("no"), request.state)))[0] == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"response=",
        b"response=a.b.c.d.e",
        b"vp_token=%7B%7D&state=x",
        b"response=x&response=y",
        b"response=x&error=access_denied&state=y",
        b"\xff\xfe",
    ],
)
async def test_what_is_no_answer_uses_nothing_up(desk: Running, body: bytes) -> None:
    asked = await desk.ask()
    status, told = await desk.post(asked, body)
    assert (status, told["error"]) == (400, "invalid_request")
    assert (await desk.answer(asked))[0] == 200


async def test_oversized_and_zipped_answers(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    key, enc = request.encryption()
    status, told = await desk.post(asked, b"response=" + b"A" * 2_100_000)
    assert (status, told["error"]) == (413, "invalid_request")
    bomb = jwe.encrypt(b"{}", key, enc=enc, header={"zip": "DEF"})
    assert (await desk.post(asked, render_form({"response": bomb})))[0] == 400
    deep = jwe.encrypt(b"[" * 100_000, key, enc=enc)
    assert (await desk.post(asked, render_form({"response": deep})))[0] == 400
    tokens: list[Any] = [{}, {"bank": []}, {"bank": "text"}, {"bank": [1]}, {"bank": ["x" * 500_000]}, [], {"bank": [{"a": 1}]}]
    for vp_token in tokens:
        one = await desk.ask()
        locked = await desk.read(one)
        key, enc = locked.encryption()
        sealed = jwe.encrypt(json.dumps({"vp_token": vp_token, "state": locked.state}).encode(), key, enc=enc)
        assert (await desk.post(one, render_form({"response": sealed})))[0] in {400, 413}


async def test_more_than_asked_is_refused(desk: Running) -> None:
    asked = await desk.ask()
    request = await desk.read(asked)
    token = present(request, at=AT)
    second = show(issue(seed="second"), paths=(("powers", 1),), binding=Binding(audience=request.client_id, nonce=request.nonce), at=AT)
    status, told = await desk.post(asked, render_response(request, {**token, "extra": [second]}))
    assert status == 400
    assert parse_jwt(told["receipt"]).claims["decision"] == "rejected"
    (line,) = [each for each in (await desk.state(asked))["verdict"]["checks"] if each["name"] == "request"]
    assert (line["state"], line["code"]) == ("failed", "over_disclosed")


async def test_redirect_with_a_fresh_code(desk: Running) -> None:
    codes = set()
    for _ in range(2):
        asked = await desk.ask(redirect_uri="https://northwold-bank.example/back?case=4#top")
        status, told = await desk.answer(asked)
        assert status == 200
        before, _, code = told["redirect_uri"].removesuffix("#top").partition("&response_code=")
        assert before == "https://northwold-bank.example/back?case=4"
        assert len(code) >= 22
        codes.add(code)
        assert (await desk.call("GET", f"/api/presentation-requests/{asked['id']}"))[0] == 400
        assert (await desk.call("GET", f"/api/presentation-requests/{asked['id']}", params={"response_code": "wrong"}))[0] == 400
        assert (await desk.state(asked, response_code=code))["decision"] == "accepted"
    assert len(codes) == 2


async def test_own_question(desk: Running) -> None:
    vct = "urn:fdc:vct.example:2027:representation:1"
    query = {
        "credentials": [
            {
                "id": "poa", "format": "dc+sd-jwt", "meta": {"vct_values": [vct]},
                "claims": [{"path": ["represented", "family_name"]}, {"path": ["powers", None], "values": ["banking"]}],
            }
        ]
    }  # fmt: skip
    status, asked = await desk.call("POST", "/api/presentation-requests", {"dcql_query": query, "purpose": "See who may bank"})
    assert status == 201
    request = await desk.read(asked)
    token = present(request, at=AT, paths=(("represented", "family_name"), ("powers", 1)))
    assert (await desk.post(asked, render_response(request, token)))[0] == 200
    state = await desk.state(asked)
    assert (state["decision"], state["purpose_id"]) == ("accepted", "own-question")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({}, 400, "/query"),
        ({"type": "representation"}, 400, "/query"),
        ({"type": "representation", "query": "no-such"}, 400, "/query"),
        ({"type": "no-such", "query": "bank"}, 400, "/type"),
        ({"type": "representation", "query": "bank", "redirect_uri": "http://evil.example"}, 400, "/redirect_uri"),
        ({"type": "representation", "query": "bank", "format": "ldp_vc"}, 400, "/formats"),
        ({"dcql_query": {"credentials": []}, "purpose": "x"}, 400, "/dcql_query/credentials"),
        ({"dcql_query": {"credentials": [{"id": "a", "format": "dc+sd-jwt", "meta": {}}]}}, 400, "/purpose"),
        ({"type": "representation", "query": "bank", "use": {"stakes": "middling"}}, 400, "/use/stakes"),
        ({"type": "representation", "query": "bank", "oops": 1}, 400, "/oops"),
    ],
)
async def test_wrong_questions_are_refused_with_a_pointer(desk: Running, body: dict[str, Any], status: int, pointer: str) -> None:
    got, problem = await desk.call("POST", "/api/presentation-requests", body)
    assert (got, problem["pointer"]) == (status, pointer)


async def test_keys_and_scopes(desk: Running) -> None:
    assert (await desk.call("POST", "/api/presentation-requests", {}, key=""))[0] == 401
    assert (await desk.call("GET", "/api/log", key="mun_nonsense"))[0] == 401
    assert (await desk.call("GET", "/api/presentation-requests/none"))[0] == 404
    async with desk.http.get(f"{desk.base}/api/openapi.json") as answer:
        document = await answer.json()
    assert set(document["paths"]) >= {"/api/presentation-requests", "/api/copies", "/api/refresh", "/api/log"}


async def test_trap_18_no_operation_without_a_key_and_no_other_origin(desk: Running) -> None:
    """Only what is public anyway, the schema of a verdict, is answered to strangers; scripts of other sites are given nothing at all."""
    foreign = {"Origin": "https://evil.example", "Accept": "application/json"}
    async with desk.http.get(f"{desk.base}/api/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    operations = [(method, path) for path, methods in paths.items() for method in methods if path.startswith("/api/")]
    assert len(operations) >= 8
    for method, path in operations:
        url = desk.base + path.replace("{id}", "none")
        async with desk.http.request(method, url, json={} if method == "post" else None, headers=foreign) as answer:
            assert answer.status == (200 if path == "/api/schemas/verdict" else 401), (method, path, answer.status)
            assert not any(name.startswith("Access-Control-") for name in answer.headers), path
        async with desk.http.options(url, headers=foreign | {"Access-Control-Request-Method": method.upper()}) as answer:
            assert answer.status >= 400
            assert not any(name.startswith("Access-Control-") for name in answer.headers), path


async def test_w3c_credential_is_shown_whole(desk: Running) -> None:
    """The same type in another format goes the same way."""
    asked = await desk.ask(format="vc+jwt")
    request = await desk.read(asked)
    binding = Binding(audience=request.client_id, nonce=request.nonce)
    shown = show(issue("vc+jwt"), format_name="vc+jwt", binding=binding, at=AT)
    status, told = await desk.post(asked, render_response(request, {"bank": [shown]}))
    assert status == 200, told
    verdict = (await desk.state(asked))["verdict"]
    assert (verdict["decision"], verdict["credentials"][0]["format"]) == ("accepted", "vc+jwt")
    assert verdict["credentials"][0]["claims"]["represented"]["family_name"] == "Ashdown"
    other = await desk.ask()
    request = await desk.read(other)
    binding = Binding(audience=request.client_id, nonce=request.nonce)
    wrong = show(issue("vc+jwt"), format_name="vc+jwt", binding=binding, at=AT)
    assert (await desk.post(other, render_response(request, {"bank": [wrong]})))[0] == 400  # another format than was asked for
