"""Random trust chains in their parts, and everything that can be broken in them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from support.federation import Body, signed
from support.grown import DAY, NOW, Dice
from support.signing import Signer

from shared.errors import VcError
from shared.trust.chain import TrustChain, verify_trust_chain
from shared.trust.federation_keys import FederationKey, render_jwks

KIND, NAME = "kind", "name"


class Part:
    """One statement before it is signed."""

    def __init__(self, issuer: Body, subject: Body, **claims: Any) -> None:
        self.claims = {**issuer.common(subject), "iat": NOW - 60, "exp": NOW + DAY, **claims}
        self.signer = issuer.signer
        self.header: dict[str, Any] = {}

    def wire(self) -> str:
        return signed(self.claims, self.signer, **self.header)


class Grown:
    """A chain of three to six bodies, with the anchor's own configuration or without."""

    def __init__(self, dice: Dice) -> None:
        self.dice = dice
        many = 3 + dice.below(4)
        self.bodies = [Body(f"https://{at}.example", Signer.new(dice.of(["ES256", "ES384"]))) for at in range(many)]
        above = pairwise(self.bodies)
        metadata = {"federation_entity": {}, KIND: {NAME: ["a"]}}
        first = Part(self.bodies[0], self.bodies[0], metadata=metadata, authority_hints=[self.bodies[1].entity])
        self.parts = [first, *(Part(upper, lower) for lower, upper in above)]
        if dice.below(2):
            self.parts.append(Part(self.bodies[-1], self.bodies[-1]))

    @property
    def middle(self) -> Part:
        """A statement about another body, not the anchor's."""
        return self.parts[1 + self.dice.below(len(self.bodies) - 2)]

    @property
    def any(self) -> Part:
        return self.dice.of(self.parts)

    def question(self) -> dict[str, Any]:
        return {"tokens": [each.wire() for each in self.parts], "jwks": render_jwks((self.bodies[-1].key,))["keys"]}

    def judged(self) -> TrustChain | None:
        try:
            return verify_trust_chain(self.question()["tokens"], [self.bodies[-1].pin()], at=NOW)
        except VcError:
            return None


def stranger_signs(chain: Grown) -> None:
    part = chain.any
    part.header["kid"] = FederationKey.of(part.signer.public).kid
    part.signer = Signer.new(part.signer.public.alg)


def unknown_kid(chain: Grown) -> None:
    chain.any.header["kid"] = "nobody's"


def no_kid(chain: Grown) -> None:
    chain.any.header["kid"] = None


def alg_none(chain: Grown) -> None:
    chain.any.header["alg"] = "none"


def alg_hmac(chain: Grown) -> None:
    chain.any.header["alg"] = "HS256"


def other_alg(chain: Grown) -> None:
    part = chain.any
    part.header["alg"] = {"ES256": "ES384", "ES384": "ES256"}[part.signer.public.alg]


def expired(chain: Grown) -> None:
    chain.any.claims["exp"] = NOW - 300


def future(chain: Grown) -> None:
    chain.any.claims["iat"] = NOW + DAY // 2  # a judge reads its own clock, at the end of a long run too


def no_exp(chain: Grown) -> None:
    chain.any.claims["exp"] = None


def no_iat(chain: Grown) -> None:
    chain.any.claims["iat"] = None


def no_keys(chain: Grown) -> None:
    chain.middle.claims["jwks"] = {"keys": []}


def other_keys(chain: Grown) -> None:
    """A superior knows another key of its subordinate."""
    chain.middle.claims["jwks"] = render_jwks((Body("https://other.example").key,))


def left_out(chain: Grown) -> None:
    del chain.parts[1 + chain.dice.below(len(chain.bodies) - 1)]


def turned(chain: Grown) -> None:
    chain.parts.reverse()


def other_typ(chain: Grown) -> None:
    chain.any.header["typ"] = chain.dice.of(["JWT", "trust-mark+jwt", None])


def other_subject(chain: Grown) -> None:
    chain.middle.claims["sub"] = "https://other.example"


def other_issuer(chain: Grown) -> None:
    chain.middle.claims["iss"] = "https://other.example"


def other_anchor(chain: Grown) -> None:
    for part in chain.parts[len(chain.bodies) - 1 :]:
        part.claims["iss"] = "https://other.example"


def about_another_first(chain: Grown) -> None:
    chain.parts[0].claims["iss"] = "https://other.example"


def own_keys_differ(chain: Grown) -> None:
    chain.parts[0].claims["jwks"] = render_jwks((Body("https://other.example").key,))


def not_its_superior(chain: Grown) -> None:
    chain.parts[0].claims["authority_hints"] = chain.dice.of([["https://other.example"], None])


def a_loop(chain: Grown) -> None:
    lower, upper = chain.bodies[:2]
    chain.parts[1:1] = [Part(upper, lower), Part(lower, upper)]


def own_configuration_between(chain: Grown) -> None:
    upper = chain.bodies[1]
    chain.parts.insert(2, Part(upper, upper))


def too_long(chain: Grown) -> None:
    chain.parts[1:1] = [Part(chain.bodies[0], chain.bodies[0]) for _ in range(8)]


def critical_claim(chain: Grown) -> None:
    chain.any.claims |= {"crit": ["new_rule"], "new_rule": 1}


def critical_header(chain: Grown) -> None:
    chain.any.header |= {"crit": ["new_rule"], "new_rule": 1}


def critical_operator(chain: Grown) -> None:
    chain.middle.claims["metadata_policy_crit"] = ["regexp"]


def kid_twice(chain: Grown) -> None:
    keys = chain.middle.claims["jwks"]["keys"]
    keys.append(keys[0] | render_jwks((Body("https://other.example").key,))["keys"][0] | {"kid": keys[0]["kid"]})


def null_in_metadata(chain: Grown) -> None:
    chain.parts[0].claims["metadata"] = {KIND: {NAME: None}}


def chain_in_a_statement(chain: Grown) -> None:
    chain.any.header["trust_chain"] = []


def path_too_long(chain: Grown) -> None:
    chain.parts[len(chain.bodies) - 1].claims["constraints"] = {"max_path_length": 0}


def name_excluded(chain: Grown) -> None:
    chain.middle.claims["constraints"] = {"naming_constraints": {"excluded": ["0.example"]}}


def policy_not_met(chain: Grown) -> None:
    chain.middle.claims["metadata_policy"] = {KIND: {NAME: {"superset_of": ["b"]}}}


def policies_contradict(chain: Grown) -> None:
    for part, value in ((chain.parts[1], "a"), (chain.parts[2], "b")):
        part.claims["metadata_policy"] = {KIND: {"new": {"value": value}}}


def policy_of_itself(chain: Grown) -> None:
    chain.parts[0].claims["metadata_policy"] = {}


def hints_of_another(chain: Grown) -> None:
    chain.middle.claims["authority_hints"] = ["https://other.example"]


def entitles_itself(chain: Grown) -> None:
    chain.parts[0].claims |= {"crit": ["entitlements"], "entitlements": [{"vct": "urn:a", "from": 0}]}


def lives_too_long(chain: Grown) -> None:
    chain.any.claims["exp"] = NOW + 8 * DAY


def one_key_for_two(chain: Grown) -> None:
    chain.middle.claims["jwks"]["keys"].append(render_jwks((chain.bodies[-1].key,))["keys"][0])


BREAKS: tuple[Callable[[Grown], None], ...] = (
    stranger_signs, unknown_kid, no_kid, alg_none, alg_hmac, other_alg, expired, future, no_exp, no_iat, no_keys, other_keys, left_out, turned,
    other_typ, other_subject, other_issuer, other_anchor, about_another_first, own_keys_differ, not_its_superior, a_loop,
    own_configuration_between, too_long, critical_claim, critical_header, critical_operator, kid_twice, null_in_metadata, chain_in_a_statement,
    path_too_long, name_excluded, policy_not_met, policies_contradict, policy_of_itself, hints_of_another, entitles_itself, lives_too_long,
    one_key_for_two,
)  # fmt: skip
