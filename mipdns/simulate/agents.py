"""User agents and TLS fingerprints of the made world: a table of the project's own, and who runs what.

The strings follow the forms that browsers send since user-agent reduction: a Chromium names its major version only
(`138.0.0.0`) and Android as `10; K`, macOS stays `10_15_7`, Firefox freezes its `rv:` at the major version.
The weights are round numbers: they order the agents, they claim no market share.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from mipdns.simulate.kinds import Devices

Platform = Literal[
    "windows", "mac", "linux", "chromeos", "android", "ios", "tv", "console", "android_app", "ios_app",
    "library", "crawler", "scanner", "tor",
]  # fmt: skip


class Agent(NamedTuple):
    """A user agent. stack: the TLS library that decides its fingerprint."""

    text: str
    platform: Platform
    stack: str
    weight: float


# Share of each version among the installations of a browser; {v} in the forms below, {u} with underscores.
_ONCE = {"": 1.0}
_CHROME = {"136": 0.15, "137": 0.25, "138": 0.6}
_FIREFOX = {"128": 0.2, "139": 0.3, "140": 0.5}
_SAFARI = {"17.6": 0.15, "18.4": 0.25, "18.5": 0.6}
_IPHONE = {"16.7": 0.05, "17.7": 0.1, "18.4": 0.15, "18.5": 0.7}
_SAMSUNG = {"27.0": 0.3, "28.0": 0.7}

_SYSTEMS = {
    "<win>": "Windows NT 10.0; Win64; x64",
    "<mac>": "Macintosh; Intel Mac OS X 10_15_7",
    "<lin>": "X11; Linux x86_64",
    "<cros>": "X11; CrOS x86_64 14541.0.0",
    "<and>": "Linux; Android 10; K",
    "<iph>": "iPhone; CPU iPhone OS {u} like Mac OS X",
    "<pad>": "iPad; CPU OS {u} like Mac OS X",
    "<osx>": "Macintosh; Intel Mac OS X 10.15",
    "<ps5>": "PlayStation; PlayStation 5/9.00",
    "<mob>": "Mobile Safari/537.36",
    "<kit>": "AppleWebKit/537.36 (KHTML, like Gecko)",
    "<saf>": "AppleWebKit/605.1.15 (KHTML, like Gecko)",
}

_FORMS: tuple[tuple[Platform, str, float, dict[str, float], str], ...] = (
    ("windows", "chromium", 40, _CHROME, "Mozilla/5.0 (<win>) <kit> Chrome/{v}.0.0.0 Safari/537.36"),
    ("windows", "chromium", 14, _CHROME, "Mozilla/5.0 (<win>) <kit> Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0"),
    ("windows", "chromium", 2, _ONCE, "Mozilla/5.0 (<win>) <kit> Chrome/135.0.0.0 Safari/537.36 OPR/120.0.0.0"),
    ("windows", "firefox", 6, _FIREFOX, "Mozilla/5.0 (<win>; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"),
    ("mac", "apple", 14, _SAFARI, "Mozilla/5.0 (<mac>) <saf> Version/{v} Safari/605.1.15"),
    ("mac", "chromium", 12, _CHROME, "Mozilla/5.0 (<mac>) <kit> Chrome/{v}.0.0.0 Safari/537.36"),
    ("mac", "chromium", 1, _ONCE, "Mozilla/5.0 (<mac>) <kit> Chrome/138.0.0.0 Safari/537.36 Edg/138.0.0.0"),
    ("mac", "firefox", 2, _FIREFOX, "Mozilla/5.0 (<osx>; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"),
    ("linux", "chromium", 4, _CHROME, "Mozilla/5.0 (<lin>) <kit> Chrome/{v}.0.0.0 Safari/537.36"),
    ("linux", "firefox", 4, _FIREFOX, "Mozilla/5.0 (<lin>; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"),
    ("chromeos", "chromium", 3, _CHROME, "Mozilla/5.0 (<cros>) <kit> Chrome/{v}.0.0.0 Safari/537.36"),
    ("android", "chromium", 50, _CHROME, "Mozilla/5.0 (<and>) <kit> Chrome/{v}.0.0.0 <mob>"),
    ("android", "chromium-old", 8, _SAMSUNG, "Mozilla/5.0 (<and>) <kit> SamsungBrowser/{v} Chrome/130.0.0.0 <mob>"),
    ("android", "firefox", 1, _FIREFOX, "Mozilla/5.0 (Android 15; Mobile; rv:{v}.0) Gecko/{v}.0 Firefox/{v}.0"),
    ("ios", "apple", 35, _IPHONE, "Mozilla/5.0 (<iph>) <saf> Version/{v} Mobile/15E148 Safari/604.1"),
    ("ios", "apple", 4, {"18.5": 1.0}, "Mozilla/5.0 (<iph>) <saf> CriOS/138.0.7204.33 Mobile/15E148 Safari/604.1"),
    ("ios", "apple", 2, {"17.7": 1.0}, "Mozilla/5.0 (<pad>) <saf> Version/{v} Mobile/15E148 Safari/604.1"),
    ("tv", "tv", 3, _ONCE, "Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) <kit> Version/7.0 TV Safari/537.36"),
    ("tv", "tv", 3, _ONCE, "Mozilla/5.0 (Web0S; Linux/SmartTV) <kit> Chrome/94.0.4606.128 Safari/537.36"),
    ("console", "console", 1, _ONCE, "Mozilla/5.0 (<ps5>) <saf> Version/15.4 Safari/605.1.15"),
    ("ios_app", "apple-app", 3, _ONCE, "ExampleNews/5.2.1 CFNetwork/3826.500.131 Darwin/24.5.0"),
    ("ios_app", "apple-app", 2, _ONCE, "ExampleShop/11.0 CFNetwork/3826.500.131 Darwin/24.5.0"),
    ("ios_app", "apple-app", 1, _ONCE, "ExampleMail/3.9 CFNetwork/1498.700.2 Darwin/23.6.0"),
    ("android_app", "okhttp", 3, _ONCE, "okhttp/4.12.0"),
    ("android_app", "okhttp", 2, _ONCE, "ExampleShop/11.0 (Linux; U; Android 15) okhttp/4.12.0"),
    ("android_app", "okhttp", 1, _ONCE, "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 7 Build/AP2A.240805.005)"),
    ("library", "openssl-python", 4, _ONCE, "python-requests/2.32.3"),
    ("library", "openssl-curl", 3, _ONCE, "curl/8.5.0"),
    ("library", "go", 3, _ONCE, "Go-http-client/2.0"),
    ("library", "node", 2, _ONCE, "axios/1.7.2"),
    ("library", "java", 1, _ONCE, "Java/17.0.11"),
    ("library", "gnutls", 1, _ONCE, "Wget/1.21.4"),
    ("crawler", "crawler-a", 5, _ONCE, "Mozilla/5.0 (compatible; LanternBot/2.1; +https://lantern.example/bot.html)"),
    ("crawler", "crawler-a", 3, _ONCE, "Mozilla/5.0 (<and>) <kit> Chrome/138.0.0.0 <mob> (compatible; LanternBot/2.1)"),
    ("crawler", "crawler-a", 1, _ONCE, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("crawler", "crawler-b", 1, _ONCE, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("crawler", "openssl-python", 1, _ONCE, "CorpusSpider/0.9 (+https://corpus.example/spider)"),
    ("scanner", "go", 3, _ONCE, "Mozilla/5.0 zgrab/0.x"),
    ("scanner", "go", 2, _ONCE, "Mozilla/5.0 (compatible; CensusInspect/1.1; +https://census.example/)"),
    ("scanner", "openssl-curl", 1, _ONCE, "-"),
    ("tor", "tor-browser", 1, _ONCE, "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"),
)  # fmt: skip

_MARK = re.compile(r"<\w+>")


def _expanded() -> Iterator[Agent]:
    for platform, stack, weight, versions, form in _FORMS:
        for version, share in versions.items():
            text = _MARK.sub(lambda mark: _SYSTEMS[mark[0]], form).format(v=version, u=version.replace(".", "_"))
            yield Agent(text, platform, stack, weight * share)


AGENTS: tuple[Agent, ...] = tuple(_expanded())
STACKS: tuple[str, ...] = tuple(sorted({agent.stack for agent in AGENTS} | {"disguise", "gateway", "edge"}))


def fingerprint(stack: str) -> str:
    """A made TLS fingerprint in the form of a JA4: ten readable characters and two hashes of twelve."""
    digest = hashlib.sha256(stack.encode()).hexdigest()
    return f"t13d{int(digest[:2], 16) % 20 + 10}{int(digest[2:4], 16) % 10 + 10}h2_{digest[4:16]}_{digest[16:28]}"


def old_fingerprint(stack: str) -> str:
    """A made TLS fingerprint in the form of a JA3: an MD5, 32 hexadecimal digits."""
    return hashlib.sha256(stack.encode()).hexdigest()[:32]


# What stands on the desks and in the pockets of each surrounding, in parts.
PLATFORM_SHARES: dict[Devices, dict[Platform, float]] = {
    "home": {"android": 32, "ios": 22, "windows": 24, "mac": 8, "linux": 2, "chromeos": 2, "tv": 7, "console": 3},
    "phone": {"android": 62, "ios": 35, "windows": 3},
    "office": {"windows": 82, "mac": 14, "linux": 4},
    "campus": {"mac": 28, "windows": 28, "ios": 24, "android": 15, "linux": 5},
    "guest": {"windows": 38, "android": 28, "ios": 14, "mac": 14, "linux": 6},
    "tor": {"tor": 85, "library": 10, "crawler": 5},
    "apple": {"ios": 76, "mac": 24},
    "server": {"library": 1},
    "crawler": {"crawler": 1},
    "disguise": {"windows": 50, "mac": 20, "android": 20, "linux": 10},
    "scan": {"scanner": 1},
}
APP_PLATFORM: dict[Platform, Platform] = {"android": "android_app", "ios": "ios_app"}
APP_SHARE = 0.2
"""Share of a phone's visits that come from an app instead of its browser."""
HOUSE_STANDARD = 0.7
"""Share of an office's devices that run the one browser its administrator rolled out."""
