"""User agents and TLS stacks of the made world: a table of the project's own, made for a version of browsers.

In: the newest major version, how far installations lag behind it, how many send reduced strings. Out: `AgentTable`.
The strings follow the forms that browsers send: since user-agent reduction a Chromium names its major version only
(`138.0.0.0`) and Android as `10; K`; before it, build and model. The weights order the agents;
they claim no market share.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from mipdns.simulate.kinds import Devices

Platform = Literal[
    "windows", "mac", "linux", "chromeos", "android", "ios", "tv", "console", "android_app", "ios_app", "desktop_app",
    "client", "library", "crawler", "scanner", "tor",
]  # fmt: skip
PLATFORMS: tuple[Platform, ...] = get_args(Platform)


class Agent(NamedTuple):
    """A user agent. stack: the TLS library that decides its fingerprint. weight: within its platform, in parts."""

    text: str
    platform: Platform
    stack: str
    weight: float


class AgentTable(NamedTuple):
    """All agents of a world, in parallel. platform: into `PLATFORMS`; stack: into `stacks`, which are sorted."""

    text: list[str]
    platform: NDArray[np.int64]
    stack: NDArray[np.int64]
    weight: NDArray[np.float64]
    stacks: tuple[str, ...]


# Installations by how many major versions they lag behind the newest, before `lag` stretches it.
_LAGS = ((0, 0.42), (1, 0.27), (2, 0.10), (3, 0.05), (5, 0.05), (9, 0.05), (16, 0.03), (29, 0.03))
_IOS = (("15_8", 0.03), ("16_7", 0.06), ("17_6", 0.10), ("18_3", 0.10), ("18_5", 0.31), ("18_6", 0.25), ("26_0", 0.15))
_MODELS = (
    "SM-A155F", "SM-A546B", "SM-G991B", "SM-S918B", "SM-A137F", "SM-S921B", "SM-A065F", "SM-X200", "Pixel 6a",
    "Pixel 7", "Pixel 8", "Redmi Note 12", "Redmi Note 13 Pro", "2201117TG", "23129RAA4G", "M2101K6G", "CPH2591",
    "CPH2211", "RMX3830", "RMX3710", "V2247", "V2111", "moto g54 5G", "moto g(30)", "Infinix X6528", "TECNO KI5k",
    "itel A665L", "ANE-LX1", "LM-X525", "Nokia G21", "XQ-CT54", "KFTRWI",
)  # fmt: skip
_WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_WEBKIT}"
_PHONE = f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT}"
_SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_DESKTOPS: tuple[tuple[Platform, float, str], ...] = (
    ("windows", 62, "Windows NT 10.0; Win64; x64"),
    ("mac", 40, "Macintosh; Intel Mac OS X 10_15_7"),
    ("linux", 45, "X11; Linux x86_64"),
    ("chromeos", 90, "X11; CrOS x86_64 14541.0.0"),
)


def _chromium(newest: int, lag: float, reduction: float) -> Iterator[Agent]:
    for behind, share in _versions(lag):
        major, stack = newest - behind, f"chromium-{(newest - behind) // 8}"
        builds = [(f"{major}.0.0.0", reduction)]
        builds += [
            (f"{major}.0.{5000 + major * 16}.{patch}", (1 - reduction) * part)
            for patch, part in ((61, 0.5), (114, 0.3), (207, 0.2))
        ]
        for build, part in builds:
            weight = share * part
            for platform, whole, system in _DESKTOPS:
                text = f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{build} Safari/537.36"
                yield Agent(text, platform, stack, whole * weight)
                if platform in ("windows", "mac"):
                    yield Agent(f"{text} Edg/{build}", platform, stack, (20 if platform == "windows" else 3) * weight)
                if platform == "windows" and behind in (1, 3):
                    yield Agent(f"{text} OPR/{major - 15}.0.0.0", platform, stack, 25 * weight)
                    yield Agent(f"{text} YaBrowser/25.6.0.0", platform, stack, 10 * weight)
        yield from _android(major, share, reduction)


def _android(major: int, share: float, reduction: float) -> Iterator[Agent]:
    stack, tail = f"chromium-{major // 8}", "Mobile Safari/537.36"
    reduced = f"Mozilla/5.0 (Linux; Android 10; K) {_WEBKIT}"
    yield Agent(f"{reduced} Chrome/{major}.0.0.0 {tail}", "android", stack, 70 * share * reduction)
    samsung = f"SamsungBrowser/{major // 5}.0 Chrome/{major - 8}.0.0.0 {tail}"
    yield Agent(f"{reduced} {samsung}", "android", f"samsung-{major // 16}", 16 * share * reduction)
    yield Agent(f"{reduced} Chrome/{major}.0.0.0 {tail} EdgA/{major}.0.0.0", "android", stack, 2 * share)
    yield Agent(f"{reduced} Chrome/{major}.0.0.0 {tail} OPR/{major // 2 + 20}.0.0.0", "android", stack, 4 * share)
    build = f"{major}.0.{5000 + major * 16}.63"
    for at, model in enumerate(_MODELS):
        system = f"Linux; Android {10 + (at * 7 + major) % 6}; {model}"
        part = share / (at + 4)
        yield Agent(
            f"Mozilla/5.0 ({system}) {_WEBKIT} Chrome/{build} {tail}", "android", stack, 38 * part * (1 - reduction)
        )
        if model.startswith("SM-"):
            text = f"Mozilla/5.0 ({system}) {_WEBKIT} SamsungBrowser/{major // 5}.0 Chrome/{major - 8}.0.0.0 {tail}"
            yield Agent(text, "android", f"samsung-{major // 16}", 16 * part * (1 - reduction))
        # What an app shows inside itself is never reduced to `K`.
        view = f"Mozilla/5.0 ({system} Build/UP1A.231005.007; wv) {_WEBKIT} Version/4.0 Chrome/{build} {tail}"
        yield Agent(view, "android_app", f"webview-{major // 8}", 9 * part)
        if at % 2:
            yield Agent(
                f"{view} [FB_IAB/FB4A;FBAV/{380 + major}.0.0.33.71;]", "android_app", f"webview-{major // 8}", 12 * part
            )
        else:
            yield Agent(
                f"{view} Instagram {200 + major}.0.0.27.112 Android", "android_app", f"webview-{major // 8}", 8 * part
            )


def _firefox(newest: int, lag: float) -> Iterator[Agent]:
    systems = (
        ("windows", 9.0, "Windows NT 10.0; Win64; x64"),
        ("mac", 5.0, "Macintosh; Intel Mac OS X 10.15"),
        ("linux", 50.0, "X11; Linux x86_64"),
        ("android", 1.5, "Android 14; Mobile"),
    )  # fmt: skip
    versions = [(newest - behind, share) for behind, share in _versions(lag)] + [(newest - newest % 13, 0.15)]
    for major, share in versions:
        for platform, whole, system in systems:
            tail = f"Gecko/{major}.0" if platform == "android" else "Gecko/20100101"
            text = f"Mozilla/5.0 ({system}; rv:{major}.0) {tail} Firefox/{major}.0"
            yield Agent(text, PLATFORMS[PLATFORMS.index(platform)], f"firefox-{major // 6}", whole * share)


def _apple() -> Iterator[Agent]:
    for version, share in _IOS:
        major, dotted, stack = version.split("_")[0], version.replace("_", "."), f"apple-{version.split('_')[0]}"
        phone = f"Mozilla/5.0 (iPhone; CPU iPhone OS {version} like Mac OS X) {_SAFARI}"
        tail = "Mobile/15E148 Safari/604.1"
        yield Agent(f"{phone} Version/{dotted} {tail}", "ios", stack, 70 * share)
        yield Agent(
            f"Mozilla/5.0 (iPad; CPU OS {version} like Mac OS X) {_SAFARI} Version/{dotted} {tail}",
            "ios",
            stack,
            5 * share,
        )
        yield Agent(f"{phone} CriOS/138.0.7204.33 {tail}", "ios", stack, 9 * share)
        yield Agent(f"{phone} GSA/377.0.776 {tail}", "ios", stack, 8 * share)
        yield Agent(f"{phone} FxiOS/140.0 {tail}", "ios", stack, 1 * share)
        yield Agent(
            f"{phone} Mobile/15E148 [FBAN/FBIOS;FBAV/514.0.0.37.74;FBDV/iPhone14,5]", "ios_app", stack, 14 * share
        )
        yield Agent(
            f"{phone} Mobile/15E148 Instagram 385.0.0.26.87 (iPhone14,5; iOS {version})", "ios_app", stack, 9 * share
        )
        darwin = {"15": "21.6.0", "16": "22.6.0", "17": "23.6.0", "18": "24.5.0", "26": "25.0.0"}[major]
        for app in ("ExampleNews/5.2.1", "ExampleShop/11.0", "ExampleMail/3.9", "ExampleBank/7.4", "ExampleGame/2.0"):
            text = f"{app} CFNetwork/{1400 + 100 * int(major)}.0.4 Darwin/{darwin}"
            yield Agent(text, "ios_app", f"cfnetwork-{darwin.split('.')[0]}", 4 * share)
        if int(major) >= 16:
            text = f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_SAFARI} Version/{dotted} Safari/605.1.15"
            yield Agent(text, "mac", stack, 45 * share)


_FIXED: tuple[tuple[Platform, str, float, str], ...] = (
    ("tv", "tizen-5", 1, f"Mozilla/5.0 (SMART-TV; Linux; Tizen 5.5) {_WEBKIT} Version/5.5 TV Safari/537.36"),
    ("tv", "tizen-7", 3, f"Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) {_WEBKIT} Version/7.0 TV Safari/537.36"),
    ("tv", "webos-5", 1, f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/79.0.3945.79 Safari/537.36"),
    ("tv", "webos-23", 3, f"Mozilla/5.0 (Web0S; Linux/SmartTV) {_WEBKIT} Chrome/94.0.4606.128 Safari/537.36"),
    ("tv", "android-tv", 3, f"Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) {_WEBKIT} Chrome/128.0.0.0 Safari/537.36"),
    ("tv", "okhttp-3", 1, "okhttp/3.12.13"),
    ("console", "playstation", 3, f"Mozilla/5.0 (PlayStation; PlayStation 5/9.00) {_SAFARI} Version/15.4"),
    ("console", "xbox", 2, f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; Xbox; Xbox One) {_WEBKIT} Edge/44.18363.8131"),
    ("console", "nintendo", 1, "Mozilla/5.0 (Nintendo Switch; WifiWebAuthApplet) AppleWebKit/609.4 NF/6.0.2.22.5"),
    ("android_app", "okhttp-4", 3, "okhttp/4.12.0"),
    ("android_app", "okhttp-5", 1, "okhttp/5.0.0"),
    ("android_app", "okhttp-4", 2, "ExampleShop/11.0 (Linux; U; Android 15) okhttp/4.12.0"),
    ("android_app", "conscrypt-12", 1, "Dalvik/2.1.0 (Linux; U; Android 12; M2101K6G Build/SKQ1.210908.001)"),
    ("android_app", "conscrypt-14", 2, "Dalvik/2.1.0 (Linux; U; Android 14; Pixel 7 Build/AP2A.240805.005)"),
    ("android_app", "conscrypt-15", 1, "Dalvik/2.1.0 (Linux; U; Android 15; SM-S921B Build/AP3A.240905.015)"),
    ("android_app", "flutter", 1, "Dart/3.4 (dart:io)"),
    ("desktop_app", "electron-28", 3, f"{_WINDOWS} ExampleChat/1.0.9 Chrome/120.0.6099.291 Electron/28.2.10"),
    ("desktop_app", "electron-34", 3, f"{_WINDOWS} ExampleNotes/4.1 Chrome/132.0.6834.210 Electron/34.5.8"),
    ("desktop_app", "schannel", 2, "Microsoft-CryptoAPI/10.0"),
    ("desktop_app", "dotnet", 1, "ExampleSync/3.2 (Windows NT 10.0)"),
    ("client", "openssl-3.0", 4, "qBittorrent/4.6.5"),
    ("client", "openssl-1.1", 2, "Transmission/3.00"),
    ("client", "schannel", 2, "uTorrent/3.5.5(46514)"),
    ("client", "openssl-3.2", 1, "Deluge/2.1.1 libtorrent/2.0.9.0"),
    ("library", "openssl-1.1", 2, "python-requests/2.25.1"),
    ("library", "openssl-3.0", 4, "python-requests/2.32.3"),
    ("library", "aiohttp", 2, "Python/3.11 aiohttp/3.9.5"),
    ("library", "curl-7", 2, "curl/7.68.0"),
    ("library", "curl-8", 3, "curl/8.5.0"),
    ("library", "go-1.19", 1, "Go-http-client/1.1"),
    ("library", "go-1.22", 3, "Go-http-client/2.0"),
    ("library", "node-18", 2, "axios/1.7.2"),
    ("library", "node-20", 1, "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)"),
    ("library", "java-8", 1, "Java/1.8.0_402"),
    ("library", "java-17", 1, "Java/17.0.11"),
    ("library", "okhttp-4", 1, "okhttp/4.9.3"),
    ("library", "php", 1, "GuzzleHttp/7"),
    ("library", "rustls", 1, "reqwest/0.12"),
    ("library", "gnutls", 1, "Wget/1.21.4"),
    ("crawler", "crawler-a", 5, "Mozilla/5.0 (compatible; LanternBot/2.1; +https://lantern.example/bot.html)"),
    ("crawler", "crawler-a", 3, f"{_PHONE} Chrome/138.0.0.0 Mobile Safari/537.36 (compatible; LanternBot/2.1)"),
    ("crawler", "crawler-a", 1, "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"),
    ("crawler", "crawler-b", 2, "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"),
    ("crawler", "openssl-3.0", 1, "CorpusSpider/0.9 (+https://corpus.example/spider)"),
    ("crawler", "headless", 2, f"Mozilla/5.0 (X11; Linux x86_64) {_WEBKIT} HeadlessChrome/126.0.0.0 Safari/537.36"),
    ("scanner", "go-1.19", 3, "Mozilla/5.0 zgrab/0.x"),
    ("scanner", "go-1.22", 2, "Mozilla/5.0 (compatible; CensusInspect/1.1; +https://census.example/)"),
    ("scanner", "curl-8", 1, "-"),
    ("scanner", "openssl-3.0", 1, f"Mozilla/5.0 (Windows NT 6.1; WOW64) {_WEBKIT} Chrome/52.0.2743.116 Safari/537.36"),
    ("tor", "tor-browser", 1, "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"),
    ("tor", "tor-browser", 0.4, "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"),
)  # fmt: skip

# Stacks of machines in between, which no agent names: virus scanners on a device, proxies, impersonating libraries.
MIDDLE_STACKS = ("antivirus-1", "antivirus-2", "antivirus-3", "inspection-1", "inspection-2", "edge-1", "edge-2",
                 "edge-3", "impersonate-1", "impersonate-2", "impersonate-3", "impersonate-4")  # fmt: skip
FORMS = ("new", "resumed", "quic")
"""What a stack sends in the three cases in which its fingerprint differs: a resumed session adds an extension."""


def _versions(lag: float) -> list[tuple[int, float]]:
    """(versions behind, share). lag 1 as in the table; above it more installations are old, below it fewer."""
    parts = [(behind, share * (lag if behind > 1 else 1.0)) for behind, share in _LAGS]
    whole = sum(share for _, share in parts)
    return [(behind, share / whole) for behind, share in parts]


def agent_table(newest: int, lag: float, reduction: float) -> AgentTable:
    """Every agent of a world. newest: major version of Chromium; lag: see `_versions`; reduction: share reduced."""
    agents = [*_chromium(newest, lag, reduction), *_firefox(newest, lag), *_apple()]
    agents += [Agent(text, platform, stack, weight) for platform, stack, weight, text in _FIXED]
    merged: dict[tuple[str, Platform], Agent] = {}
    for agent in agents:
        held = merged.get((agent.text, agent.platform))
        merged[agent.text, agent.platform] = agent._replace(weight=agent.weight + (held.weight if held else 0.0))
    kept = [agent for agent in merged.values() if agent.weight > 0]
    stacks = tuple(sorted({agent.stack for agent in kept} | set(MIDDLE_STACKS)))
    return AgentTable(
        text=[agent.text for agent in kept],
        platform=np.array([PLATFORMS.index(agent.platform) for agent in kept]),
        stack=np.array([stacks.index(agent.stack) for agent in kept]),
        weight=np.array([agent.weight for agent in kept]),
        stacks=stacks,
    )


def fingerprint(stack: str, form: str = "new") -> str:
    """A made TLS fingerprint in the form of a JA4: ten readable characters and two hashes of twelve."""
    cipher, extension = (hashlib.sha256(text.encode()).hexdigest() for text in (stack, f"{stack} {form}"))
    count = int(cipher[2:4], 16) % 10 + 10 + (form == "resumed")
    transport, protocol = ("q", "h3") if form == "quic" else ("t", "h2")
    return f"{transport}13d{int(cipher[:2], 16) % 20 + 10}{count}{protocol}_{cipher[4:16]}_{extension[16:28]}"


def old_fingerprint(stack: str, form: str = "new") -> str:
    """A made TLS fingerprint in the form of a JA3: an MD5, 32 hexadecimal digits."""
    return hashlib.sha256(f"{stack} {form}".encode()).hexdigest()[:32]


# What stands on the desks and in the pockets of each surrounding, in parts.
PLATFORM_SHARES: dict[Devices, dict[Platform, float]] = {
    "home": {"android": 32, "ios": 22, "windows": 24, "mac": 8, "linux": 2, "chromeos": 2, "tv": 7, "console": 3},
    "phone": {"android": 62, "ios": 33, "windows": 4, "linux": 1},
    "office": {"windows": 78, "mac": 14, "linux": 4, "ios": 2, "android": 2},
    "campus": {"mac": 26, "windows": 28, "ios": 24, "android": 16, "linux": 5, "library": 1},
    "guest": {"windows": 38, "android": 28, "ios": 14, "mac": 12, "linux": 6, "library": 2},
    "tor": {"tor": 82, "library": 12, "crawler": 4, "windows": 2},
    "apple": {"ios": 76, "mac": 24},
    "server": {"library": 82, "linux": 8, "crawler": 10},
    "crawler": {"crawler": 90, "library": 10},
    "disguise": {"windows": 50, "mac": 20, "android": 18, "linux": 6, "ios": 6},
    "scan": {"scanner": 80, "library": 20},
    "swarm": {"client": 45, "windows": 25, "android": 12, "ios": 8, "linux": 4, "mac": 6},
}
PHONE_TILT: tuple[tuple[Platform, float], ...] = (("android", 1.0), ("ios", -1.0), ("mac", -0.5))
"""How a market's leaning to Android (in log-odds) moves platforms: four markets lean by -1, -0.3, 0.4 and 1.2."""
MARKETS = (-1.0, -0.3, 0.4, 1.2)
APP_PLATFORM: dict[Platform, Platform] = {
    "android": "android_app", "ios": "ios_app", "windows": "desktop_app", "mac": "desktop_app",
}  # fmt: skip
HOUSE_STANDARD = 0.7
"""Share of an office's devices that run the one browser its administrator rolled out."""
INTERCEPTED = 0.04
"""Share of Windows devices whose TLS a virus scanner on the device speaks."""


def device_shares(devices: Devices, market: float, phones: float) -> dict[Platform, float]:
    """Parts of a surrounding's platforms in a market that leans to Android; phones: factor on phones of a world."""
    tilt = dict(PHONE_TILT)
    return {
        platform: share
        * float(np.exp(market * 0.6 * tilt.get(platform, 0.0)))
        * (phones if platform in ("android", "ios") else 1.0)
        for platform, share in PLATFORM_SHARES[devices].items()
    }


def agent_weights(table: AgentTable, shares: dict[Platform, float]) -> NDArray[np.float64]:
    """Probability of each agent where platforms have these parts."""
    result: NDArray[np.float64] = np.zeros(len(table.text))
    for name, share in shares.items():
        rows = table.platform == PLATFORMS.index(name)
        result[rows] = table.weight[rows] / table.weight[rows].sum() * share
    result /= result.sum()
    return result
