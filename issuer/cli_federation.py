"""The options of ``muniment-issuer federation``; what they do is in ``issuer.federation.commands``."""

from __future__ import annotations

from collections.abc import Callable

from shared.terminal import Commands, Parser, add_handing, add_taking

Add = Callable[["Commands[Parser]", str, str], Parser]
Command = Callable[[str, str], Parser]


def add_federation(commands: Commands[Parser], add: Add) -> None:
    """The commands below ``federation``; ``add`` makes one."""
    words = "let bodies come below this office in a federation, say what they may say, and join one"
    actions, command = _group(commands, "federation", words, add)
    one = command("invite", "make a one-time code with which a body joins, or joins again with other keys")
    one.add_argument("entity", help="its identifier, an https address")
    one.add_argument("--name", required=True, help="what it is called on our pages")
    _grants(_who(one))
    one = command("join", "come below a superior with the code of its invitation")
    one.add_argument("superior", help="identifier of the superior; the setting `authority_hints` has to name it")
    one.add_argument("code", help="the one-time code")
    _list(
        command("list", "show who is below this office, what each may say, and what waits"),
        "one body, with the fingerprints of its keys and its history",
    )
    one = command("approve", "let count what another person proposed, or send it back")
    _decision(one, compared="the fingerprints of its keys were compared with the body itself", refuse="drop what waits instead")
    one = command("entitle", "propose what a body may say and do from now on; another person has to approve it")
    one.add_argument("entity", help="its identifier")
    _grants(_who(one))
    one = command("end", "grant a body nothing any more; what it said before stands")
    _ending(one, "its keys are in other hands: nothing that they signed counts")
    _add_register(actions, add)
    _add_succession(command, actions, add)
    one = command("export", "write everything that this office says as files for any web host")
    one.add_argument("folder", metavar="DIR", help="where to write them; a README in it says what to do")


def _add_register(actions: Commands[Parser], add: Add) -> None:
    """The commands of a registrar."""
    words = "register who asks for documents, where a superior lets this office"
    _, command = _group(actions, "register", words, add, before="register ")
    one = command("invite", "make a one-time code with which an organisation applies, or applies again with another key")
    one.add_argument("entity", help="its identifier, an https address")
    one.add_argument("--name", required=True, help="what it is called on our pages until it has said so itself")
    one.add_argument("--country", default="GB", metavar="CC", help="where it is, two letters (default: GB)")
    _who(one)
    _list(command("list", "show who is registered, until when, and what waits or was announced"), "one organisation, with its history")
    one = command("approve", "let count what an organisation applied for, or send it back")
    compared = "the fingerprint of its key was compared with the organisation itself"
    _decision(one, compared=compared, refuse="drop what waits, or was announced, instead")
    _ending(command("end", "register an organisation no longer"), "its key is in other hands: nobody can register with it again")


def _add_succession(command: Command, actions: Commands[Parser], add: Add) -> None:
    """The commands of bodies that hand over, of those that take over, and of the superior that publishes it."""
    one = command("succeed", "say who takes over from this office, or from a body below it that is gone")
    add_handing(one)
    one.add_argument("--outgoing", default="", metavar="ENTITY", help="the body below this office that cannot say it itself any more")
    one.add_argument("--by", default="", metavar="NAME", help="with --outgoing: the operator who says it")
    one.add_argument("--passphrase-file", default="", metavar="F", help="with --outgoing: file with that operator's passphrase")
    one = command("take-over", "accept that this office takes over from another")
    add_taking(one)
    words = "look at who takes over from whom below this office, and publish it"
    _, below = _group(actions, "succession", words, add, before="succession ")
    one = below("offer", "bring what both bodies have signed; whoever does is the first of two who look")
    one.add_argument("file", help="what `take-over` has written")
    _who(one)
    below("list", "show what is published and what waits")
    one = _version(_parties(below("approve", "look at what waits: the second person publishes it; or send it back")))
    one.add_argument("--refuse", default="", metavar="REASON", help="drop what waits instead")
    _who(one)
    one = _version(_parties(below("withdraw", "publish it no longer")))
    one.add_argument("--reason", required=True, help="why, for the history")
    _who(one)


def _group(actions: Commands[Parser], name: str, words: str, add: Add, *, before: str = "") -> tuple[Commands[Parser], Command]:
    """A command with commands below it, and how one of these is added; what each does is called ``before`` and its name."""
    group = actions.add_parser(name, help=words, description=words[:1].upper() + words[1:] + ".")
    inner = group.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=Parser)

    def command(name: str, told: str) -> Parser:
        one = add(inner, name, told)
        one.set_defaults(do=f"{before}{name}")
        return one

    return inner, command


def _list(one: Parser, whom: str) -> None:
    one.add_argument("entity", nargs="?", default="", help=whom)
    one.add_argument("--json", action="store_true", help="print it as JSON")


def _decision(one: Parser, *, compared: str, refuse: str) -> None:
    one.add_argument("entity", help="its identifier")
    _version(one)
    one.add_argument("--compared", action="store_true", help=compared)
    one.add_argument("--refuse", default="", metavar="REASON", help=refuse)
    _who(one)


def _ending(one: Parser, compromised: str) -> None:
    one.add_argument("entity", help="its identifier")
    one.add_argument("--reason", required=True, help="why, for the history")
    one.add_argument("--compromised", action="store_true", help=compromised)
    _who(one)


def _version(one: Parser) -> Parser:
    one.add_argument("--version", type=int, required=True, metavar="N", help="the version that was looked at, as `list` shows it")
    return one


def _parties(one: Parser) -> Parser:
    one.add_argument("outgoing", help="identifier of the body that hands over")
    one.add_argument("successor", help="identifier of the body that takes over")
    return one


def _who(one: Parser) -> Parser:
    one.add_argument("--by", required=True, metavar="NAME", help="the operator who does it")
    one.add_argument("--passphrase-file", required=True, metavar="F", help="file with that operator's passphrase")
    return one


def _grants(one: Parser) -> None:
    one.add_argument("--says", action="append", default=[], metavar="VCT", help="a type of document that it may make")
    one.add_argument("--accredits", action="append", default=[], metavar="VCT", help="a type that it may let others make")
    one.add_argument("--registers", action="append", default=[], metavar="CC", help="a country where it may register who asks")
    one.add_argument("--mark", action="append", default=[], metavar="TYPE", help="a type of trust mark that it is given")
    one.add_argument("--terms", default="", metavar="F", help="instead of these: file with all its terms as JSON")
