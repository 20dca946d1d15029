"""Everything that a superior says as files, for any web host or a stick: what needs no question is there under its own address.

A plain host looks at paths and not at queries, so what is asked with ``sub`` lies in one file a body, and the README says the one rule by
which a host that has rules serves it. Whoever relies with this software needs the publication alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from issuer.federation import endpoints, own, publish, registered
from issuer.office import Office
from issuer.records import subordinates, superior
from issuer.records.subordinates import State, Subordinate
from issuer.records.superior import Mark, Publication, Statement
from shared.codec import strict_json
from shared.errors import ConfigError, VcError
from shared.private_file import write_whole
from shared.storage import Tx
from shared.trust.chain import configuration_url
from shared.trust.publication import DOCUMENT, MEDIA_TYPE, parse_federation_publication
from shared.trust.statements import MEDIA_TYPE as STATEMENT
from shared.trust.statements import parse_statement
from shared.urls import well_known
from shared.web.certificates import day

README: Final = "README.txt"
_LONGEST: Final = 240  # characters of a file's name that every host takes; who has a longer name is in the publication only
_TEXT: Final = """What {name} says in its federation, as files. Signed until {until}: export and copy again before then.

Copy this folder to the root of {origin}. These addresses need their content type; they are the same for everybody:

{fixed}

These are asked with a parameter. A host without rules cannot answer them, and whoever relies on the publication above needs none of them.
On one that has rules, answer from the file in that folder that is named after the parameter, with percent signs. Programs send the parameter
with percent signs or without, so a rule takes both:

{asked}

nginx:  map $arg_sub $body {{ "~*^https(%3A%2F%2F|://)([^/%]+)$" $2; }}
        location = {fetch} {{ default_type {statement}; alias /srv/www{fetch}/https%3A%2F%2F$body; }}
Apache: RewriteCond %{{QUERY_STRING}} ^sub=https(%3A%2F%2F|://)([^/%&]+)$ [NC]
        RewriteRule ^{fetch}$ {fetch}/https\\%3A\\%2F\\%2F%2 [L,T={statement}]

(For identifiers without a path; one more such rule serves each body that has one.)

Not here, because they need an answer made for whoever asks: the status of a trust mark, and joining.
"""


@dataclass(frozen=True, slots=True)
class File:
    data: bytes = field(repr=False)
    media_type: str


async def export(office: Office, folder: Path) -> list[str]:
    """Write it all, newly signed if it is time; the paths below ``folder``. ``ConfigError`` if it cannot be written."""
    await publish.publish(office)
    configuration = await own.entity_of(office).configure()
    last, said, marks, below = await office.storage.read(lambda tx: _read(tx, office.clock()))
    fixed = _fixed(office, configuration, last, below) | await _register(office)
    asked = await _asked(office, said, marks)
    _clear(folder, urlsplit(office.settings.public_url).path, {folder / path.lstrip("/") for path in asked})
    for path, file in {**fixed, **asked}.items():
        _write(folder / path.lstrip("/"), file.data)
    _write(folder / README, _readme(office, fixed, asked, _until(configuration, last, said, marks)).encode())
    return [*fixed, *asked, f"/{README}"]


async def _read(tx: Tx, at: int) -> tuple[Publication, list[Statement], list[Mark], list[Subordinate]]:
    return await superior.newest(tx), await superior.statements(tx), await superior.marks(tx, at), await subordinates.everybody(tx)


def _fixed(office: Office, configuration: str, last: Publication, below: list[Subordinate]) -> dict[str, File]:
    url, base = office.settings.public_url, urlsplit(office.settings.public_url).path
    publication = File(last.document or b"", MEDIA_TYPE)
    listed = [each.entity for each in below if each.state is State.ACTIVE]
    return {
        urlsplit(configuration_url(url)).path: File(configuration.encode(), STATEMENT),
        urlsplit(well_known(url, DOCUMENT)).path: publication,
        base + own.TRUST: publication,
        base + own.LIST: File(strict_json.dumps(listed), "application/json"),
        base + own.HISTORICAL: File(last.historical.encode(), endpoints.KEYS),
    }


async def _register(office: Office) -> dict[str, File]:
    """Who may ask, where anybody is registered here."""
    told = await registered.register_json(office)
    path = urlsplit(office.settings.public_url).path + registered.REGISTERED_JSON
    return {path: File(strict_json.dumps(told), "application/json")} if told["parties"] or told["announced"] else {}


async def _asked(office: Office, said: list[Statement], marks: list[Mark]) -> dict[str, File]:
    base, found = urlsplit(office.settings.public_url).path, dict[str, File]()
    for each in (one for one in said if len(_name(one.sub)) <= _LONGEST):
        found[f"{base}{own.FETCH}/{_name(each.sub)}"] = File(each.token.encode(), STATEMENT)
        try:
            resolved, _ = await endpoints.resolve_response(office, each.sub)
        except VcError:
            continue  # what the body says of itself is not known here, or has run out
        found[f"{base}{own.RESOLVE}/{_name(each.sub)}"] = File(resolved.encode(), endpoints.RESOLVED)
    for mark in (one for one in marks if max(len(_name(one.sub)), len(_name(one.type))) <= _LONGEST):
        found[f"{base}{own.MARK}/{_name(mark.type)}/{_name(mark.sub)}"] = File(mark.token.encode(), endpoints.MARK)
    return found


def _name(text: str) -> str:
    """As it stands in a query: no slash is left, and no two texts have one name."""
    return quote(text, safe="")


def _until(configuration: str, last: Publication, said: Iterable[Statement], marks: Iterable[Mark]) -> int:
    """When the first of what is written runs out: what was signed before is not signed anew for it."""
    ends = [parse_statement(each).exp for each in (configuration, *(one.token for one in said))]
    ends += {(each.sub, each.type): each.expires_at for each in marks}.values()
    ends += [] if last.document is None else [parse_federation_publication(last.document).snapshot.next_update]
    return min(ends)


def _readme(office: Office, fixed: Mapping[str, File], asked: Mapping[str, File], until: int) -> str:
    parts = urlsplit(office.settings.public_url)
    kinds = {path.rpartition("/")[0] if own.MARK + "/" not in path else parts.path + own.MARK: file for path, file in asked.items()}
    return _TEXT.format(
        name=office.settings.name,
        until=day(until),
        origin=f"{parts.scheme}://{parts.netloc}/",
        fixed="\n".join(f"  {path}  {file.media_type}" for path, file in fixed.items()),
        asked="\n".join(f"  {path}  {file.media_type}" for path, file in kinds.items()) or "  (nobody is below it yet)",
        fetch=parts.path + own.FETCH,
        statement=STATEMENT,
    )


def _clear(folder: Path, base: str, staying: Collection[Path]) -> None:
    """What an earlier export left about a body or a mark that is over does not lie on."""
    for name in (own.FETCH, own.RESOLVE, own.MARK):
        for file in (folder / f"{base}{name}".lstrip("/")).rglob("*"):
            if file.is_file() and file not in staying:
                file.unlink()


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, data, 0o644)
    except OSError as error:
        raise ConfigError(f"cannot write {file}: {error.strerror}", where="dir") from error
