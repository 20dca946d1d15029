"""W3C documents of issuers whom only a federation vouches for, by the day on which they began."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from support.federation import MINISTRY, critical, says
from support.federations import justice
from support.signing import AT
from support.trial_verify import DAY, ISSUER, Answers, material, registry

from shared.flow import run
from shared.formats import _vcdm
from shared.jose.jws import prepare_jws
from shared.keys import KeyId
from shared.vc_api import check_credential_request
from shared.vcdm import CONTEXT, envelope
from shared.verify import Knowledge
from shared.x509 import x5c_header

DOCUMENT = {
    "@context": [CONTEXT, {"ExampleDegree": "urn:example:degree"}],
    "type": ["VerifiableCredential", "ExampleDegree"],
    "issuer": ISSUER,
    "credentialSubject": {"degree": "BA"},
}


@pytest.mark.parametrize(
    ("since", "begins", "good"),
    [(AT - DAY, None, True), (AT - DAY, "2027-01-10T00:00:00Z", False), (AT - 9 * DAY, "2027-01-10T00:00:00Z", True)],
)
def test_what_superiors_let_it_say_on_the_day(since: int, begins: str | None, good: bool) -> None:
    document = DOCUMENT if begins is None else DOCUMENT | {"validFrom": begins}
    realm = justice()
    realm[MINISTRY].about[ISSUER] = critical(entitlements=[says(_vcdm.vct_of(document), since=since)])
    header = {"x5c": x5c_header(registry().x5c), "cty": "vc"}
    token = registry().signer.finish(prepare_jws(typ="vc+jwt", payload=json.dumps(document).encode(), key=KeyId("w3c"), header=header))
    body = json.dumps({"verifiableCredential": envelope("application/vc+jwt", token), "options": {}}).encode()
    known = Knowledge(material=replace(material(), policy=realm.policy(MINISTRY), certificates={}), staples=(), at=AT)
    found = run(check_credential_request(body, known), Answers())
    assert (found.status == 200) is good, found.problems
