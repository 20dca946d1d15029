"""What this organisation registers: the uses that it serves, with what it says of each in ``uses.toml`` of the data folder.

    [council-tax]
    benefit = "You need not send papers to each of our departments."
    benefit_cy = "Nid oes raid i chi anfon papurau at bob un o'n hadrannau."
    could_stop = "Not while council tax is charged to a person."
    evidence = "https://council.example/evidence"

What is said in one language alone stands in for the other. A change is certified and published in the next round, and noted as a version.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from shared.clock import DAY
from shared.codec import strict_json
from shared.credentials import CredentialType, Text, all_types
from shared.errors import ConfigError, VcError
from shared.inbox import Inbox
from shared.private_file import write_whole
from shared.storage import Storage
from shared.trust.register_json import group_label, read_inbox, render_party, type_title
from shared.trust.registered_use import RegisteredUse, Registrar
from shared.web.setup import toml_text
from verifier import admission
from verifier.config import USES, Settings
from verifier.desk import Desk
from verifier.records import registrations
from verifier.uses import Use, alone, chosen_types, served, wants_of

log = logging.getLogger("muniment.verifier")

FILE = USES
REGISTER, REGISTER_JSON = "/register", "/register.json"
_MAX_WORDS = 1_000
_MAX_ADDRESS = 2_000
_MAX_TEAM = 60
_MAX_INBOX = 4_000


class Argued(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why one use is worth its asking. ``retention_days`` differs from the settings' where a use has its own; -1 is theirs.

    ``decides`` says who decides about what is posted for this use and is in order; ``team`` is the group of staff whose post it is.
    ``inbox`` is that of a department's own service, as its register tells it (JSON); empty for ours. ``instruments`` and
    ``bases`` are what is admitted (``verifier.admission``); nothing listed admits all. ``undo`` is what staff do once it turns out that they acted
    on something wrong: it is shown to them, and not registered.
    """

    benefit: str = ""
    benefit_cy: str = ""
    could_stop: str = ""
    could_stop_cy: str = ""
    evidence: str = ""
    retention_days: int = -1
    decides: Literal["itself", "person"] = "itself"
    team: str = ""
    inbox: str = ""
    undo: str = ""
    instruments: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()


def read(directory: Path) -> dict[str, Argued]:
    """What was said, by use; ``ConfigError`` for a file that cannot be read."""
    sections = _sections(directory)
    found = {name: _argued(name, sections) for name in sections}
    for name, argued in found.items():
        _check(name, argued)
    return found


def _sections(directory: Path) -> dict[str, dict[str, Any]]:
    try:
        text = (directory / FILE).read_text(encoding="utf-8")
        return msgspec.convert(tomllib.loads(text), dict[str, dict[str, Any]])
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ConfigError(f"{FILE}: {error}", where=FILE) from error


def _argued(use: str, sections: Mapping[str, Mapping[str, Any]]) -> Argued:
    """Member by member: where nothing is said of one for several people, or nothing listed, that holds which is said of the one for a single person."""
    own = {name: value for name, value in sections.get(use, {}).items() if value not in ((), [])}
    try:
        return msgspec.convert({**sections.get(alone(use), {}), **own}, Argued)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{FILE}: {use}: {error}", where=FILE) from error


def _check(name: str, argued: Argued) -> None:
    for member in ("benefit", "benefit_cy", "could_stop", "could_stop_cy", "undo"):
        if len(getattr(argued, member)) > _MAX_WORDS:
            raise ConfigError(f"{name}: {member} has at most {_MAX_WORDS} characters", where=member)
    if argued.evidence and (not argued.evidence.startswith(("https://", "http://")) or len(argued.evidence) > _MAX_ADDRESS):
        raise ConfigError(f"{name}: evidence is an address such as https://council.example/evidence", where="evidence")
    if len(argued.team) > _MAX_TEAM or not (argued.team == "" or argued.team.isprintable()):
        raise ConfigError(f"{name}: team has at most {_MAX_TEAM} characters", where="team")
    _inbox(name, argued)
    for member in admission.MEMBERS:
        if unknown := set(getattr(argued, member)) - admission.codes(member):
            raise ConfigError(f"{name}: {member} has an unknown code: {min(unknown)}", where=member)
    if not -1 <= argued.retention_days <= 36_525:
        raise ConfigError(f"{name}: retention_days is between -1 and 36525", where="retention_days")


def _inbox(name: str, argued: Argued) -> Inbox | None:
    try:
        return read_inbox(strict_json.load_object(argued.inbox, max_bytes=_MAX_INBOX)) if argued.inbox else None
    except VcError as error:
        raise ConfigError(f"{name}: inbox is what another service's register says of its own: {error.detail}", where="inbox") from error


def argued_of(directory: Path, use: str) -> Argued:
    """What was said of one use; of one for several people what was said of it for one."""
    return _of(read(directory), use)


def _of(known: Mapping[str, Argued], use: str) -> Argued:
    return known.get(use) or known.get(alone(use)) or Argued()


def days_kept(directory: Path, settings: Settings, use: str) -> int:
    """Days that what is shown for one use is kept, as it is registered; negative where nothing is said of it."""
    return _days(argued_of(directory, use), settings)


def _days(argued: Argued, settings: Settings) -> int:
    return argued.retention_days if argued.retention_days >= 0 else settings.retention_days


def _days_told(name: str, argued: Argued, settings: Settings) -> int:
    days = _days(argued, settings)
    if days >= 0 and settings.keep_minutes * 60 > max(days, 1) * DAY:  # 0 days: gone within one
        raise ConfigError(f"{name}: keep_minutes is longer than the days that holders are told (retention_days)", where="keep_minutes")
    return days


def seconds_kept(directory: Path, settings: Settings, use: str, *, accepted: bool) -> int:
    """How long what came by post is kept, sealed: as it is registered; what is refused no longer than the desk keeps anything."""
    least = settings.keep_minutes * 60
    return max(days_kept(directory, settings, use) * DAY, least) if accepted else least


def state(directory: Path, settings: Settings, use: str, said: Mapping[str, object]) -> Argued:
    """Say something of one use; what is not in ``said`` stays. ``ConfigError`` for a use that is not served here.

    Of one for several people exactly that is written which is said of it: all else goes on following the one for a single person.
    """
    if use not in {each.id for each in registered(directory, settings)}:
        raise ConfigError(f"there is no use {use!r} here", where="use")
    sections = _sections(directory)
    sections[use] = {**sections.get(use, {}), **said}
    argued = _argued(use, sections)
    _check(use, argued)
    _days_told(use, argued, settings)
    if use == alone(use):
        sections[use] = msgspec.to_builtins(argued)
    write_whole(directory / FILE, "".join(_section(name, each) for name, each in sections.items()).encode())
    return argued


def _section(name: str, members: Mapping[str, Any]) -> str:
    lines = [f"{key} = {_lines(str(value)) if key == 'undo' else _value(value)}" for key, value in members.items()]
    return "\n".join((f"[{toml_text(name)}]", *lines)) + "\n\n"


def _lines(text: str) -> str:
    """A TOML string that may have several lines, each of them as ``toml_text`` takes it."""
    return '"' + r"\n".join(toml_text(line)[1:-1] for line in text.split("\n")) + '"'


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return str(value) if isinstance(value, int) else toml_text(str(value))


def registered(directory: Path, settings: Settings) -> list[RegisteredUse]:
    """The uses, each once, with all kinds of document that it is served with and those that are asked for beside them."""
    kinds, argued = chosen_types(settings.types), read(directory)
    by_id: dict[str, list[Use]] = {}
    for use in served(kinds.values(), settings.purposes):
        by_id.setdefault(use.query.id, []).append(use)
    return [_use(name, _together(uses, kinds), _of(argued, name), settings) for name, uses in by_id.items()]


def _together(uses: list[Use], kinds: Mapping[str, CredentialType]) -> list[Use]:
    """As they are asked at most: with those beside them, and then also who holds each document (``Desk.uses_of``)."""
    named = {name for use in uses for name in use.query.beside}
    all_ = [*uses, *(use for use in served(kinds.values()) if (use.type.id, use.query.id) in named and use not in uses)]
    return [use.beside_others() for use in all_] if len(all_) > 1 else all_


def _use(name: str, uses: list[Use], argued: Argued, settings: Settings) -> RegisteredUse:
    days = _days_told(name, argued, settings)
    return RegisteredUse(
        id=name,
        title=uses[0].query.title,
        purpose=uses[0].query.purpose,
        wants=tuple(wants_of(use) for use in uses),
        retention_days=days if days >= 0 else None,
        privacy_policy=settings.privacy_policy or None,
        contact=settings.contact or None,
        benefit=_words(argued.benefit, argued.benefit_cy),
        could_stop=_words(argued.could_stop, argued.could_stop_cy),
        authority=_words(settings.supervisory_authority, settings.supervisory_authority_cy),
        authority_contact=settings.supervisory_authority_contact or None,
        support=settings.support or None,
        evidence=argued.evidence or None,
        inbox=_inbox(name, argued),
    )


def _words(english: str, welsh: str) -> Text | None:
    return Text(english or welsh, welsh or english) if english or welsh else None


def registrar(settings: Settings) -> Registrar:
    """This organisation itself: its own anchor registers it."""
    return Registrar(entity=settings.entity_id, name=Text(settings.name, settings.name), address=f"{settings.public_url}{REGISTER_JSON}")


def party(settings: Settings, uses: Sequence[RegisteredUse], inbox: Inbox | None = None) -> dict[str, Any]:
    """The organisation with these uses and its inbox, as its register tells it."""
    return render_party(
        entity=settings.entity_id,
        name=Text(settings.name, settings.name),
        uses=uses,
        registrar=registrar(settings),
        types=chosen_types(settings.types).values(),
        inbox=inbox,
    )


def said(use: RegisteredUse) -> list[str]:
    """What one use asks for and says, a line each, in English."""
    kinds = tuple(all_types().values())
    asked = [
        f"{type_title(want.vct, kinds).en}: {', '.join(group_label((want.vct, number), kinds).en for number in want.required)}"
        + (
            f"; may also ask for {', '.join(group_label((want.vct, number), kinds).en for number in want.optional)}"
            if want.optional
            else ""
        )
        for want in use.wants
    ]
    words = {"benefit": use.benefit, "could we stop asking?": use.could_stop, "supervised by": use.authority}
    return [*asked, *(f"{name}: {text.en}" for name, text in words.items() if text is not None)]


async def note(directory: Path, settings: Settings, storage: Storage, *, at: int) -> None:
    """Keep what is registered now as a version, if it changed."""
    uses = registered(directory, settings)
    await storage.write(lambda tx: registrations.note(tx, uses, at=at), point="register")


async def tend(desk: Desk) -> None:
    """As ``note``, on the timer: while the file cannot be read what was registered last goes on."""
    try:
        await note(desk.directory, desk.settings, desk.storage, at=desk.clock())
    except ConfigError as error:
        log.warning("what is registered could not be read: %s", error.detail)


_MEANT = {
    "retention_days": "how long it keeps what it sees (setting retention_days, or --retention-days)",
    "privacy_policy": "the privacy notice (setting privacy_policy)",
    "contact": "how to reach the organisation (setting contact)",
    "benefit": "the benefit (--benefit)",
    "could_stop": "“could we stop asking?” (--could-stop)",
    "authority": "who supervises it (setting supervisory_authority)",
    "authority_contact": "how to reach who supervises it (setting supervisory_authority_contact)",
    "support": "where people get help (setting support)",
    "evidence": "the evidence that it helps (--evidence)",
}


def lacking(use: RegisteredUse) -> list[str]:
    """What a use lacks, in words for whoever looks after the service, with where it is said."""
    return [_MEANT[name] for name in use.lacks()]
