"""The verifier's settings and where its files lie. The only place here that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from shared.web.home import Home
from shared.web.settings import OperatorSettings

PREFIX = "MUNIMENT_VERIFIER"
DEFAULT_PORT = 8103
USES = "uses.toml"
"""In the data folder: what is said of each use, and what is admitted for it."""


class Settings(OperatorSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings of ``verifier.toml``; each is also ``MUNIMENT_VERIFIER_<NAME>`` in the environment."""

    public_url: Annotated[
        str, Meta(description="The address under which others reach the service, without a final slash: the only source of its links.")
    ] = f"http://localhost:{DEFAULT_PORT}"
    port: Annotated[int, Meta(ge=0, le=65_535, description="The port to listen on; 0 takes any free one.")] = DEFAULT_PORT
    name: Annotated[str, Meta(min_length=1, max_length=120, description="The name of the organisation, as holders see it.")] = (
        "Relying organisation"
    )
    entity: Annotated[
        str,
        Meta(
            max_length=2_048,
            description="The organisation's identifier, a URI that never changes: copies are made out to it. Empty means `public_url`.",
        ),
    ] = ""
    types: Annotated[tuple[str, ...], Meta(description="Kinds of document that are checked here; empty means all that are installed.")] = ()
    purposes: Annotated[
        tuple[str, ...], Meta(description="Uses that are served here, such as `council-tax`; empty means all of the kinds of document.")
    ] = ()
    formats: Annotated[
        tuple[str, ...],
        Meta(min_length=1, description="Forms of document that the desk asks for, any one of them, such as `dc+sd-jwt` and `mso_mdoc`."),
    ] = ("dc+sd-jwt",)
    privacy_policy: Annotated[str, Meta(max_length=2_000, description="Address of the privacy notice that holders are shown.")] = ""
    contact: Annotated[str, Meta(max_length=1_000, description="How holders reach the organisation, for requests and receipts.")] = ""
    how_to_complain: Annotated[str, Meta(max_length=1_000, description="How holders complain, for requests and receipts.")] = ""
    supervisory_authority: Annotated[
        str,
        Meta(max_length=200, description="Who supervises how the organisation handles data, as it is registered and holders are shown."),
    ] = ""
    supervisory_authority_cy: Annotated[str, Meta(max_length=200, description="The same in Welsh; empty repeats the English name.")] = ""
    supervisory_authority_contact: Annotated[str, Meta(max_length=1_000, description="How holders reach that authority.")] = ""
    support: Annotated[str, Meta(max_length=2_000, description="Address where holders get help, as it is registered.")] = ""
    claims_kept: Annotated[
        tuple[str, ...], Meta(max_length=128, description="Details that the organisation keeps in its own records, in words for holders.")
    ] = ()
    retention_days: Annotated[
        int, Meta(ge=-1, le=36_525, description="Days that it keeps them, as holders are told; -1 says nothing about it.")
    ] = -1
    request_minutes: Annotated[int, Meta(ge=1, le=60, description="Minutes in which a request can be answered.")] = 10
    keep_minutes: Annotated[
        int, Meta(ge=1, le=10_080, description="Minutes that shown details are kept, sealed; then they are deleted from the disk.")
    ] = 15
    request_hours: Annotated[
        int, Meta(ge=1, le=720, description="Hours that a request stays on the list of requests, without details.")
    ] = 24
    log_days: Annotated[
        int, Meta(ge=1, le=36_525, description="Days that the log of decisions keeps its lines; afterwards only their seals stay.")
    ] = 400
    refresh_minutes: Annotated[
        int, Meta(ge=1, le=1_440, description="Minutes between two visits to trusted issuers for lists of cancelled documents.")
    ] = 30
    pack_days: Annotated[int, Meta(ge=1, le=31, description="Days that a checking pack can be begun with.")] = 7
    visit_issuers: Annotated[
        bool, Meta(description="Whether trusted issuers and anchors are visited; false where everything comes in checking packs.")
    ] = True
    pack_url: Annotated[
        str,
        Meta(
            max_length=2_000,
            description="Where another installation publishes checking packs, such as `https://desk.example/packs/newest`.",
        ),
    ] = ""
    pack_hours: Annotated[int, Meta(ge=1, le=168, description="Hours between two looks for a newer checking pack at `pack_url`.")] = 6
    snapshot_days: Annotated[
        int,
        Meta(ge=1, le=7, description="Days that what the anchor says is in force can be relied on; it is signed anew every day."),
    ] = 7
    webhook_url: Annotated[
        str,
        Meta(max_length=2_000, description="Where your own program is told what was decided, by signed events; empty tells nobody."),
    ] = ""
    webhook_details: Annotated[
        tuple[str, ...],
        Meta(
            max_length=128,
            description="Details whose contents go with an event, named as the log does, such as `represented/family_name`; empty sends none.",
        ),
    ] = ()
    bitstring_lists: Annotated[
        tuple[str, ...],
        Meta(
            max_length=64,
            description="Addresses of Bitstring Status Lists (W3C) of trusted issuers, fetched with the visits: nothing announces them.",
        ),
    ] = ()
    inbox: Annotated[
        bool, Meta(description="Whether copies can be posted to `/inbox`, sealed for a key that is registered with what may be asked.")
    ] = True
    inbox_key_days: Annotated[
        int, Meta(ge=0, le=3_650, description="Days after which another key of the inbox is registered; 0 keeps the first one.")
    ] = 180
    inbox_answer_days: Annotated[
        int, Meta(ge=1, le=20, description="Working days in which a person decides about what was posted, where no program can.")
    ] = 1
    vc_api: Annotated[
        bool,
        Meta(
            description="Whether programs with an API key may have W3C documents verified (`/credentials/verify`, `/presentations/verify`)."
        ),
    ] = False
    own_issuer: Annotated[
        str,
        Meta(
            max_length=2_000,
            description="Address of the organisation's own issuer, such as `https://documents.council.example`: it makes what the desk gives "
            "after a decision. Empty gives nothing.",
        ),
    ] = ""
    own_issuer_key_file: Annotated[
        str,
        Meta(
            description="File with an API key of that issuer (`credentials:create` and `status:change`), in the data folder unless its path is "
            "whole."
        ),
    ] = "own-issuer.key"
    own_jurisdiction: Annotated[
        Literal["GB-EAW", "GB-SCT", "GB-NIR"], Meta(description="The law under which the organisation gives documents.")
    ] = "GB-EAW"
    max_status_hours: Annotated[
        int, Meta(ge=0, le=744, description="Oldest list of cancelled documents to rely on, in hours; 0 leaves it to the kind of document.")
    ] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("privacy_policy", "support", "webhook_url", "own_issuer"):
            if getattr(self, name) and not getattr(self, name).startswith(("https://", "http://")):
                raise ValueError(f"{name} is an address such as https://bank.example/{name}")

    @property
    def entity_id(self) -> str:
        """The identifier that is certified and that copies are made out to."""
        return self.entity or self.public_url


HOME = Home("verifier", PREFIX, Settings, os.environ)
"""``MUNIMENT_VERIFIER_DIR`` names the data folder, ``MUNIMENT_VERIFIER_PASSPHRASE_FILE`` the file with the secret that opens the keys."""
folder, toml, read, settle, key_file, know_types = HOME.folder, HOME.toml, HOME.read, HOME.settle, HOME.key_file, HOME.know_types


def trust(directory: Path) -> Path:
    """Whom this verifier trusts; only its operator changes the file (security rule S17)."""
    return directory / "trust.json"
