"""Request logs of web servers and CDNs: `logpush` and `combined`. In: a file's first line. Out: its layout.

What is read of each, with a sample line: docs/logs.md.
"""

from __future__ import annotations

from mipdns.sources.logs.formats.layout import LINES, Layout, json_object, layout, quoted

_LOGPUSH_KEYS = (
    "ClientIP", "ClientSrcPort", "ClientRequestUserAgent", "EdgeStartTimestamp", "JA4", "JA3Hash", "BotScore"
)  # fmt: skip


def logpush() -> Layout:
    """Cloudflare Logpush, dataset HTTP requests, one JSON object a line. A key that is absent is missing, not bad.

    A bot score of 0 means that none was made (Cloudflare, "Bot scores").
    """
    return layout(
        LINES,
        f"SELECT file, number, {json_object(_LOGPUSH_KEYS)} AS j FROM raw",
        {
            "time": "j.EdgeStartTimestamp",
            "client": "j.ClientIP",
            "port": "j.ClientSrcPort",
            "agent": "j.ClientRequestUserAgent",
            "tls": "COALESCE(NULLIF(j.JA4, ''), NULLIF(j.JA3Hash, ''), j.JA4, j.JA3Hash)",
            "bot_score": "j.BotScore",
            "fault": "CASE WHEN j IS NULL THEN 'not a JSON object'"
            " WHEN j.ClientIP IS NULL THEN 'no ClientIP'"
            " WHEN j.EdgeStartTimestamp IS NULL THEN 'no EdgeStartTimestamp' END",
        },
    )


def combined(*, port: bool) -> Layout:
    """Apache's and nginx's combined log format, with or without a virtual host before it, or the header after it.

    A line falls apart at its quotes: `client ident user [time] `, request, ` status bytes `, referer, ` `, agent, and
    where nginx's own `main` format is used ` `, X-Forwarded-For. Apache writes a quote inside a value as `\\"` and a
    backslash as `\\\\`; both are put out of the way first. (nginx writes `\\x22`.) The common format, which ends after
    the bytes, tells no agent.

    With `port`, what follows the last colon of the client is its port, always: `192.0.2.1:443`, `[2001:db8::1]:443`,
    and nginx's `2001:db8::1:443`.
    """
    plain = (
        "SELECT file, number, CASE WHEN CONTAINS(line, '\\')"
        " THEN REPLACE(REPLACE(line, '\\\\', CHR(2)), '\\\"', CHR(3)) ELSE line END AS line FROM raw"
    )
    parts = f"SELECT file, number, STRING_SPLIT(line, '\"') AS p FROM ({plain})"
    # `[` + 26 characters of time + `] ` end the first part, whatever the user's name holds
    heads = (
        "SELECT *, RTRIM(p[1]) AS head, SUBSTR(RTRIM(p[1]), -27, 26) AS time,"
        f" STRING_SPLIT(LEFT(p[1], LENGTH(RTRIM(p[1])) - 28), ' ') AS t FROM ({parts})"
    )
    # client ident user; or host client ident user, told by where ident, which nobody uses, is `-`
    moved = "t[3] = '-' AND t[2] <> '-' AND REGEXP_MATCHES(t[2], '[.:]')"
    origin = f"SELECT *, CASE WHEN {moved} THEN t[2] ELSE t[1] END AS peer FROM ({heads})"
    columns = {
        "time": "time",
        "seconds": "TRY_CAST(EPOCH(TRY_STRPTIME(time, '%d/%b/%Y:%H:%M:%S %z')) AS BIGINT)",
        "client": "peer",
        "agent": "p[6]",
        "forwarded": f"CASE WHEN LEN(p) >= 9 AND p[7] = ' ' AND (p[8] = '-' OR {_ADDRESSES}) THEN p[8] END",
        "fault": f"CASE WHEN NOT COALESCE(REGEXP_MATCHES(p[3], {quoted(_STATUS)}) AND STARTS_WITH(RIGHT(head, 28), '[')"
        " AND ENDS_WITH(head, ']') AND (LEN(p) = 3 OR LEN(p) >= 7), FALSE) THEN 'not in combined format' END",
    }
    if port:
        origin = (
            "SELECT *, STRING_SPLIT(peer, ':')[-1] AS tail,"
            f" LEFT(peer, LENGTH(peer) - STRPOS(REVERSE(peer), ':')) AS front FROM ({origin})"
        )
        columns["client"] = (
            "CASE WHEN STARTS_WITH(front, '[') AND ENDS_WITH(front, ']') THEN front[2:-2] ELSE front END"
        )
        columns["port"] = "tail"
        columns["fault"] = (
            f"COALESCE({columns['fault']}, CASE WHEN NOT CONTAINS(peer, ':')"
            " THEN 'no port after the client address ' || clip(peer) END)"
        )
    else:
        columns["fault"] = (
            f"COALESCE({columns['fault']}, CASE WHEN REGEXP_FULL_MATCH(peer, {quoted(_WITH_PORT)})"
            " THEN 'a port follows the client address ' || clip(peer) || ': set port = true' END)"
        )
    return layout(LINES, origin, columns)


_WITH_PORT = r"[0-9.]+:[0-9]+|\[[0-9A-Fa-f:.]+\]:[0-9]+"
_STATUS = r"^ (?:[0-9]{3}|-) (?:[0-9]+|-)(?: |$)"
_ADDRESSES = (
    r"REGEXP_FULL_MATCH(p[8], '(?:[0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)(?:, *[^ ,]+)*')"
)
