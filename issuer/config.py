"""The issuer's settings and where its files lie. The only place here that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from shared.web.home import Home
from shared.web.settings import OperatorSettings

PREFIX = "MUNIMENT_ISSUER"
DEFAULT_PORT = 8101


class Settings(OperatorSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of ``issuer.toml``; each is also ``MUNIMENT_ISSUER_<NAME>`` in the environment."""

    public_url: Annotated[
        str, Meta(description="The address under which others reach the service, without a final slash: the only source of its links.")
    ] = f"http://localhost:{DEFAULT_PORT}"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port to listen on; 0 takes any free one.")] = DEFAULT_PORT
    name: Annotated[
        str, Meta(min_length=1, max_length=120, description="The name of the office, as holders and relying parties see it.")
    ] = "Issuing office"
    types: Annotated[
        tuple[str, ...], Meta(description="Kinds of document that this office makes; empty means all that are installed.")
    ] = ()
    invitation_days: Annotated[int, Meta(ge=1, le=366, description="Days until an uncollected invitation lapses.")] = 30
    code_digits: Annotated[int, Meta(ge=6, le=12, description="Digits of a collection code.")] = 8
    code_tries: Annotated[int, Meta(ge=1, le=20, description="Tries at a collection code before the invitation is dead.")] = 5
    access_seconds: Annotated[
        int, Meta(ge=30, le=300, description="Life of an access token in seconds; a bearer token lives five minutes at most.")
    ] = 300
    refresh_days: Annotated[
        int, Meta(ge=1, le=400, description="Days in which a wallet must ask for new copies, counted from the last time.")
    ] = 120
    anonymous_wallets: Annotated[
        bool,
        Meta(
            description="Whether a wallet may redeem an invitation without saying who made it, or naming a maker whom nobody here knows; "
            "for a sign-in it always has to, by an attestation of somebody who is trusted with `trust`."
        ),
    ] = True
    makers_hours: Annotated[
        int,
        Meta(
            ge=1,
            le=72,
            description="Hours between two visits to those who are trusted with `trust` and have an address, for what they have withdrawn.",
        ),
    ] = 1
    attestation_challenges: Annotated[
        bool,
        Meta(
            description="Whether wallets have to prove with a challenge of ours that they are who their maker says; not all wallets "
            "know how. One that fetched a challenge is held to it in any case, and no proof serves twice."
        ),
    ] = False
    key_attestations: Annotated[
        Literal["accept", "demand"],
        Meta(description="Whether somebody who is trusted with `trust` has to say where a wallet holds its keys, or may."),
    ] = "accept"
    key_storage: Annotated[
        tuple[str, ...],
        Meta(description="Levels of key storage of which one is demanded, such as `iso_18045_moderate`; empty demands none."),
    ] = ()
    user_authentication: Annotated[
        tuple[str, ...], Meta(description="Levels of user authentication of which one is demanded; empty demands none.")
    ] = ()
    encryption: Annotated[
        Literal["offer", "demand"],
        Meta(description="Whether wallets have to encrypt what they ask for and have their copies encrypted for them, or may."),
    ] = "offer"
    defer_seconds: Annotated[
        int,
        Meta(ge=5, le=86_400, description="Seconds after which a wallet comes back for a document that a second person has to approve."),
    ] = 600
    sign_in_minutes: Annotated[int, Meta(ge=2, le=60, description="Minutes in which a person signs in and agrees.")] = 15
    login_issuer: Annotated[
        str,
        Meta(
            description="Identifier of an OpenID Connect provider where holders may sign in; empty for none. It knows this office by "
            "`login_client_id` and the secret in the file `login.secret` of the data folder, if there is one, and sends people back to "
            "`{public_url}/authorize/login/back`."
        ),
    ] = ""
    login_client_id: Annotated[str, Meta(description="What that provider calls this office.")] = ""
    login_name: Annotated[str, Meta(max_length=60, description="What that provider is called on the pages.")] = ""
    approve_types: Annotated[
        tuple[str, ...], Meta(description="Kinds of document of which a second person approves each one before copies are made.")
    ] = ()
    nonce_seconds: Annotated[int, Meta(ge=30, le=3_600, description="Life of a nonce in seconds.")] = 300
    keep_claims_days: Annotated[
        int,
        Meta(ge=1, le=3_660, description="Days that details are kept sealed so that copies can be renewed; afterwards they are deleted."),
    ] = 1_095
    live_copies: Annotated[int, Meta(ge=20, le=100_000, description="Copies of one document that may be in force at once.")] = 400
    status_ttl: Annotated[int, Meta(ge=60, le=86_400, description="Seconds after which a fetched status list should be fetched again.")] = (
        3_600
    )
    log_days: Annotated[
        int, Meta(ge=1, le=36_525, description="Days that the office's log keeps its lines; afterwards only their seals stay.")
    ] = 400
    status_days: Annotated[int, Meta(ge=1, le=31, description="Days that a status list can be relied on.")] = 7
    status_size: Annotated[int, Meta(ge=2**17, le=2**24, description="Entries of one status list.")] = 2**17
    vc_api: Annotated[
        Literal["off", "did:key", "did:web"],
        Meta(
            description="Whether programs with an API key may have any W3C credential signed (`/credentials/issue`), and under which kind of "
            "DID of this office; the DID has a key of its own."
        ),
    ] = "off"
    superior: Annotated[
        bool,
        Meta(description="Whether this office speaks for bodies below it in a federation: accredits them and says what they may say."),
    ] = False
    objection_days: Annotated[
        int,
        Meta(
            ge=0,
            le=90,
            description="Days in which everybody may object to a registration of this office as a registrar, once two persons have agreed to it; "
            "it stands on the public page from the first, and counts after the last.",
        ),
    ] = 0
    snapshot_days: Annotated[
        int,
        Meta(ge=1, le=7, description="Days that what the anchor says is in force can be relied on; it is signed anew every day."),
    ] = 7
    listens_to: Annotated[
        tuple[str, ...],
        Meta(
            description="Thumbprints of the keys of this office's own verifier, as `muniment-verifier keys` shows them: what was shown there, and what "
            "has become of it, is heard at `{public_url}/api/events`, the verifier's `webhook_url`. Name the key that follows before it signs."
        ),
    ] = ()
    undo_days: Annotated[
        int,
        Meta(
            ge=0,
            le=366,
            description="Days in which documents that ended because of another can be made again after a mistake; their details stay sealed so long. "
            "0 keeps nothing.",
        ),
    ] = 90
    how_to_contest: Annotated[
        str,
        Meta(
            max_length=300,
            pattern=r"^[^\x00-\x1f\x7f]*$",
            description="Where holders turn who think it wrong that their document is on hold or has ended: an address, a telephone number. Their wallets show it.",
        ),
    ] = ""
    correction_days: Annotated[
        int, Meta(ge=1, le=60, description="Working days in which somebody answers a holder who says that a detail is wrong.")
    ] = 5
    answer_hours: Annotated[
        int, Meta(ge=1, le=168, description="Hours in which a repeated request with the same Idempotency-Key gets the same answer.")
    ] = 24


def trust(directory: Path) -> Path:
    """Whom this office trusts to vouch for wallets; only its owner changes the file (security rule S17)."""
    return directory / "trust.json"


def login_secret(directory: Path) -> Path:
    """What proves to the outside login that this office asks; there is none for a public client."""
    return directory / "login.secret"


HOME = Home("issuer", PREFIX, Settings, os.environ)
"""``MUNIMENT_ISSUER_DIR`` names the data folder, ``MUNIMENT_ISSUER_PASSPHRASE_FILE`` the file with the secret that opens the keys."""
folder, toml, read, settle, key_file, know_types = HOME.folder, HOME.toml, HOME.read, HOME.settle, HOME.key_file, HOME.know_types
