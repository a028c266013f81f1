"""Words in reverse names. In: `address,name` files. Out: what the words say of each address.

The one rule: only whole words count, and never the top-level domain alone. Names are written by hand, copied and
forgotten, so that each says little; the scorecard gives them little weight.
"""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from typing import NamedTuple

from mipdns import net
from mipdns.config import Ptr
from mipdns.evidence import Assertion, Stance
from mipdns.sources.ages import expires
from mipdns.sources.reading import Read, Tally, clip, date_in_comment, date_of, expand, fields, lines
from mipdns.vocabulary import Class, Signal


class Meaning(NamedTuple):
    """What an origin of this module says of an address."""

    stance: Stance
    classes: Class


MEANINGS: dict[str, Meaning] = {
    "names.tor": Meaning("shared", Class.TOR),
    "names.vpn": Meaning("shared", Class.VPN),
    "names.nat": Meaning("shared", Class.CGNAT),
    "names.proxy": Meaning("shared", Class.PROXY),
    "names.mobile": Meaning("shared", Class.MOBILE),
    "names.campus": Meaning("shared", Class.CAMPUS),
    "names.static": Meaning("single", Class(0)),
    "names.access": Meaning("single", Class(0)),
}


class Words(NamedTuple):
    """Words that say the same. everywhere: also in the registered domain, where they name a company, not a host."""

    origin: str
    everywhere: bool
    words: str
    why: str


TABLE = (
    Words("names.tor", True, "torexit exittor torexitnode", "an exit is named so that abuse desks know"),
    Words("names.vpn", True, "vpn nordvpn protonvpn expressvpn mullvad surfshark", "the service names its servers"),
    Words("names.vpn", False, "openvpn wireguard", "the protocol in a host's name: people come out there"),
    Words("names.nat", True, "cgnat cgn lsn nat44 nat444", "carrier-grade or large-scale NAT, by its own name"),
    Words("names.nat", False, "nat natpool natgw snat napt dslite aftr nat64", "a pool or gateway that translates"),
    Words("names.proxy", False, "proxy webproxy squid swg gateway gw firewall fw", "many hosts behind one door"),
    Words("names.mobile", False, "mobile mobil movil cellular gprs umts hspa lte wwan", "a cellular gateway"),
    Words("names.mobile", False, "3g 4g 5g wireless wap apn ggsn pgw", "the same, by generation or part"),
    Words("names.mobile", True, "mycingular myvzw tmodns spcsdns", "domains that carriers keep for handsets"),
    Words("names.campus", True, "eduroam campus university univ universitaet universite", "a campus, or its name"),
    Words("names.campus", True, "uni college school schule dorm dormitory resnet k12", "the same"),
    Words("names.campus", False, "edu student students faculty library", "a part of one"),
    Words("names.static", False, "static statik statisch statique fixed fixip staticip", "an address of one customer"),
    Words("names.static", False, "mail smtp mx imap pop3 mta webmail", "a mail server"),
    Words("names.static", False, "server srv vps vds vm dedicated dedi hosting colo cloud", "a machine by itself"),
    Words("names.static", False, "www web ftp ns dns", "a service"),
    Words("names.access", False, "dyn dynamic dynamisch dinamic dinamica dinamico dynip", "handed out in turn"),
    Words("names.access", False, "dynamicip dhcp pool pools dialup dialin dial dialip dialpool", "the same"),
    Words("names.access", False, "dsl adsl vdsl sdsl xdsl hdsl pppoe ppp pptp broadband", "a telephone line"),
    Words("names.access", False, "cable catv hfc cablemodem cpe modem docsis", "a cable modem"),
    Words("names.access", False, "fiber fibre ftth fttb fttx fttp gpon pon", "a fibre"),
    Words("names.access", False, "res residential home cust customer customers client clients", "a household"),
    Words("names.access", False, "user users subscriber subscribers abo", "the same"),
    Words("names.access", False, "host", "`host-192-0-2-1` is how access networks number their lines"),
)
"""Which words say what; two rules that need more than a word stand in `origins`."""

_EXIT_WORDS = {"exit", "exitnode", "exits"}  # beside "tor": alone, `tor` is Toronto's airport
_CAMPUS_SECOND_LEVEL = {"edu", "ac", "sch", "k12"}  # below a country: ac.uk, edu.au
_SECOND_LEVEL = _CAMPUS_SECOND_LEVEL | {"co", "com", "net", "org", "gov", "gob", "ne", "or", "ad", "go", "in", "nom"}

_ANYWHERE = {word: row.origin for row in TABLE if row.everywhere for word in row.words.split()}
_BELOW = _ANYWHERE | {word: row.origin for row in TABLE if not row.everywhere for word in row.words.split()}

_PIECE = re.compile(r"[^.\-_]+")
_NUMBERED = re.compile(r"\d*([a-z][a-z0-9]*?)\d*")
_RUNS = re.compile(r"[a-z]{4,}")
_NAME = re.compile(r"[\x21-\x7e]{1,255}")


def read(source: Ptr, *, bad_lines_max: float) -> Read[Assertion]:
    """What the reverse names of a source say, one assertion for each address and origin, in the order read.

    An address may have several names, each on a line of its own. Lines whose name says nothing are read well and give
    nothing. Raises SourceError.
    """
    tally = Tally(source, bad_lines_max)
    said: dict[tuple[int, str], tuple[datetime.date, str]] = {}
    for path in expand(source):
        file = tally.file(path)
        named: list[tuple[int, str]] = []
        for number, line in lines(path):
            if not line.strip() or line.startswith("#"):
                file.saw(date_in_comment(line))
                continue
            try:
                address, name = _row(line)
            except ValueError as fault:
                if file.lines or not _HEADER.match(line):
                    file.bad(number, str(fault))
                continue
            if net.is_special(address):
                file.dropped += 1
                continue
            file.rows += 1
            named.append((address, name))
        observed = date_of(source, path, file.dated)
        for address, name in named:
            for origin in origins(name):
                held = said.get((address, origin))
                if held is None or observed > held[0]:
                    said[address, origin] = observed, name
    return Read(
        [_assertion(address, origin, day, source.name, name) for (address, origin), (day, name) in said.items()],
        tally.close(),
    )


_HEADER = re.compile(r'"?[A-Za-z_ ]+"?,')


def _row(line: str) -> tuple[int, str]:
    columns = fields(line) if '"' in line else line.split(",")
    if len(columns) != 2:
        raise ValueError(f"has {len(columns)} columns, not address,name: {clip(line)}")
    name = columns[1].strip()
    address = net.parse_address(columns[0].strip())
    if name and not _NAME.fullmatch(name):
        raise ValueError(f"{clip(name)} is not a host name")
    return address, name


def origins(name: str) -> tuple[str, ...]:
    """What the words of a reverse name say, as origins of `MEANINGS`, in that table's order.

    Words for sharing outweigh those for a single user, except that a server or a static address of a campus or of a
    mobile carrier is one machine's. Of the two single origins `names.static` is kept.
    """
    labels = name.lower().rstrip(".").split(".")
    registered = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    below = _words(".".join(labels[:-registered]))
    company = _words(labels[-registered]) if len(labels) >= registered else set()
    found = {_BELOW[word] for word in below if word in _BELOW}
    found |= {_ANYWHERE[word] for word in company if word in _ANYWHERE}
    words = below | company
    if "tor" in words and words & _EXIT_WORDS:
        found.add("names.tor")
    if labels[-1] == "edu" or (len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _CAMPUS_SECOND_LEVEL):
        found.add("names.campus")
    if "names.static" in found:
        found -= {"names.campus", "names.mobile", "names.access"}
    if any(MEANINGS[origin].stance == "shared" for origin in found):
        found -= {"names.static", "names.access"}
    return tuple(origin for origin in MEANINGS if origin in found)


@lru_cache(maxsize=1 << 14)
def _words(text: str) -> frozenset[str]:
    """The words of some labels: what stands between dots, hyphens and underscores, and that without its numbers.

    Runs of four letters and more also count inside a piece with digits (`dynamic24x7`); shorter ones do not, since
    they occur by chance in hexadecimal and random names.
    """
    words: set[str] = set()
    for piece in _PIECE.findall(text):
        words.add(piece)
        if numbered := _NUMBERED.fullmatch(piece):
            words.add(numbered[1])
        if not piece.isalpha():
            words.update(_RUNS.findall(piece))
    return frozenset(words)


def _assertion(address: int, origin: str, observed: datetime.date, source: str, name: str) -> Assertion:
    meaning = MEANINGS[origin]
    return Assertion(
        first=address,
        last=address,
        origin=origin,
        signal=Signal.NAMES,
        stance=meaning.stance,
        classes=meaning.classes,
        observed=observed,
        expires=expires(origin, observed),
        exact=False,
        source=source,
        detail=name,
    )
