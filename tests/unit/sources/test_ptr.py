"""What the words of a reverse name say: whole words only, and never a top-level domain."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipdns import config, net
from mipdns.errors import SourceUnreadable, TooManyBadLines
from mipdns.sources import ages, ptr
from mipdns.vocabulary import Class, Signal

NAMES = """
cgnat-1-2-3-4.isp.example                        nat
1-2-3-4.cgn.isp.net                              nat
lsn12.isp.net                                    nat
nat-pool-7.isp.net                               nat
natpool7.isp.net                                 nat
1.2.3.4.nat.atknet.ru                            nat
nat64-1.isp.net                                  nat
nat44.isp.net                                    nat
aftr01.isp.net                                   nat
host.cgnat.net                                   nat
nat-11.dsl.orel.ru                               nat
national.example.com                             -
alternate.example.com                            -
mail.nat.com                                     static
mobile-166-1-2-3.mycingular.net                  mobile
123.sub-174-1-2.myvzw.com                        mobile
11.pools.spcsdns.net                             mobile
m1-2-3-4.cust.tmodns.net                         mobile
public-gprs11.centertel.pl                       mobile
11.pool.3g.utel.ua                               mobile
4g-1-2-3-4.operator.net                          mobile
lte1.operator.net                                mobile
mobile-3g-dyn-1-11.zappmobile.ro                 mobile
apn-11.gprs.plus.pl                              mobile
1.2.3.4.wireless.dyn.drei.com                    mobile
11.nat.umts.dynamic.t-mobile.pl                  nat mobile
static-mobile-1.operator.net                     static
automobile.example.com                           -
www.mobile.de                                    static
a4g7.example.com                                 -
vpn.example.com                                  vpn
vpn12.example.com                                vpn
us-ny-vpn-3.provider.net                         vpn
vpn.university.example                           vpn campus
node-1.protonvpn.net                             vpn
de7.nordvpn.com                                  vpn
wireguard.provider.net                           vpn
advpnet.example.com                              -
static.vpn.example.com                           vpn
proxy3.example.com                               proxy
squid-1.example.com                              proxy
fw1.office.example.com                           proxy
gw.customer.example.com                          proxy
firewall.example.org                             proxy
proxy.com                                        -
software.example.com                             -
tor-exit.example.org                             tor
torexit2.example.org                             tor
tor-exit-03.for-privacy.net                      tor
exit-1.tor.example.org                           tor
tor.exit.example.org                             tor
static.tor-exit.example.org                      tor
tor01-cpe.isp.ca                                 access
tor1.example.ca                                  -
exit.example.org                                 -
eduroam-7.example.org                            campus
wlan-1.campus.example.de                         campus
hub787-uprrp-c.upr.edu                           campus
pc7.physics.ox.ac.uk                             campus
x.unimelb.edu.au                                 campus
lab3.school.k12.ca.us                            campus
pc-12.uni-bochum.de                              campus
resnet-1-2.example.net                           campus
dhcp-7.example.edu                               campus
mail.example.edu                                 static
proxy.example.ac.uk                              proxy campus
graduate.example.com                             -
pc.reuni.on.example.com                          -
1-2-3-4.dyn.isp.net                              access
adsl-1-2-3-4.isp.net                             access
c-1-2-3-4.hsd1.cable.isp.net                     access
ppp123.isp.net                                   access
pool-1-2-3-4.isp.net                             access
1-240-145-85.ftth.glasoperator.nl                access
dhcp12-3.isp.no                                  access
ip-1-2-3-4.dynamic.isp.com.br                    access
host-81-1-2-3.range81-1.isp.com                  access
static-70-109-171-11.isp.net                     static
static.88-1-2-3.clients.your-server.de           static
mail.example.com                                 static
mx01.example.com                                 static
vps-123.provider.net                             static
server7.provider.net                             static
static24x7.isp.net                               static
srv.example.com                                  static
mx.dsl.isp.net                                   static
dsl.net                                          -
static.com                                       -
example.host                                     -
a.b.mobile                                       -
x.y.cloud                                        -
VPN3.Example.COM.                                vpn
cpe001122aabbcc.isp.net                          -
e3fw9a.example.com                               -
ns_1.example.com                                 static
localhost                                        -
1.2.3.4                                          -
backbone.example.net                             -
"""

TABLE = [(line.split()[0], line.split()[1:]) for line in NAMES.strip().splitlines()]


@pytest.mark.parametrize(("name", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_names(name, expected):
    said = [origin.removeprefix("names.") for origin in ptr.origins(name)]
    assert sorted(said) == sorted(word for word in expected if word != "-")


@given(st.text(max_size=60))
def test_any_name_gives_known_origins_of_one_stance(name):
    said = ptr.origins(name)
    assert len({ptr.MEANINGS[origin].stance for origin in said}) <= 1
    assert set(said) <= set(ages.LIFE_DAYS)


def test_a_word_stands_in_one_row_only():
    words = [word for row in ptr.TABLE for word in row.words.split()]
    assert len(words) == len(set(words))
    assert {row.origin for row in ptr.TABLE} == set(ptr.MEANINGS)
    assert all(row.why for row in ptr.TABLE)


# --- files


def load(folder: Path, text: str, bad_lines_max: float = 0.0, **more):
    path = folder / "ptr.csv"
    path.write_bytes(text.encode())
    return ptr.read(config.Ptr(name="n", path=str(path), **more), bad_lines_max=bad_lines_max)


def told(read) -> list[tuple[str, str]]:
    return [(net.format_address(one.first), one.origin) for one in read.records]


FILES = [
    ("1.2.3.4,vpn.example.com", [("1.2.3.4", "names.vpn")]),
    ("address,name\n1.2.3.4,vpn.example.com", [("1.2.3.4", "names.vpn")]),
    ("# updated 2026-01-02\nip,ptr\r\n1.2.3.4,vpn.example.com\r\n", [("1.2.3.4", "names.vpn")]),
    ('"2a00::1","vpn.example.com."', [("2a00::1", "names.vpn")]),
    ("1.2.3.4,\n1.2.3.5,nothing.example.com", []),
    ("1.2.3.4,vpn.example.com\n1.2.3.4,proxy.example.com", [("1.2.3.4", "names.vpn"), ("1.2.3.4", "names.proxy")]),
    ("1.2.3.4,vpn.example.com\n1.2.3.4,vpn2.example.com", [("1.2.3.4", "names.vpn")]),
]


@pytest.mark.parametrize(("text", "expected"), FILES)
def test_files(tmp_path, text, expected):
    assert told(load(tmp_path, text)) == expected


def test_the_assertion_in_full(tmp_path):
    (one,) = load(tmp_path, "# updated 2026-01-02\n1.2.3.4,cgnat-4.isp.net\n").records
    assert (one.signal, one.stance, one.classes, one.exact) == (Signal.NAMES, "shared", Class.CGNAT, False)
    assert (one.source, one.detail, one.observed) == ("n", "cgnat-4.isp.net", datetime.date(2026, 1, 2))
    assert one.expires == datetime.date(2027, 1, 2)


BAD = [
    ("1.2.3.4", "has 1 columns, not address,name"),
    ("1.2.3.4,a.example.com,b", "has 3 columns"),
    ("1.2.3.0/24,a.example.com", "'1.2.3.0/24' is not an IP address"),
    ("a.example.com,1.2.3.4", "'a.example.com' is not an IP address"),
    ("1.2.3.4,two words", "'two words' is not a host name"),
    ("1.2.3.4," + "x" * 300, "is not a host name"),
    ("1.2.3.4,bücher.example", "is not a host name"),
]


@pytest.mark.parametrize(("line", "why"), BAD, ids=[row[0][:30] for row in BAD])
def test_bad_lines(tmp_path, line, why):
    (file,) = load(tmp_path, f"1.1.1.1,a.example\n{line}\n", bad_lines_max=0.5).files
    assert (file.rows, file.rejected, file.examples[0].line) == (1, 1, 2)
    assert why in file.examples[0].reason
    with pytest.raises(TooManyBadLines, match=r"ptr\.csv:2: "):
        load(tmp_path, f"1.1.1.1,a.example\n{line}\n")


def test_special_purpose_space_is_dropped(tmp_path):
    read = load(tmp_path, "10.0.0.1,vpn.example.com\n1.2.3.4,vpn.example.com\n")
    assert (told(read), read.files[0].dropped) == ([("1.2.3.4", "names.vpn")], 1)


@pytest.mark.parametrize("text", ["address,name\n", "# nothing\n"])
def test_a_file_without_names_fails(tmp_path, text):
    with pytest.raises(SourceUnreadable, match="has no rows"):
        load(tmp_path, text)
