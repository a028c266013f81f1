-- Schema 3: since when what is listed has been listed without a break. IPv4 addresses and IPv6 /64s in disjoint ranges;
-- what an older build lists stands since then. The abbreviations are those of views.sql.

CREATE TABLE standing (
    first BLOB PRIMARY KEY CHECK (length(first) = 16),
    last BLOB NOT NULL CHECK (length(last) = 16 AND last >= first),
    since TEXT NOT NULL CHECK (length(since) = 10)
) STRICT, WITHOUT ROWID;

CREATE VIEW standings AS
SELECT ADDRESS(s.first) AS first, ADDRESS(s.last) AS last, s.since FROM standing s;

DROP VIEW verdicts;

CREATE VIEW verdicts AS
SELECT
    ADDRESS(v.first) AS first, ADDRESS(v.last) AS last, v.confidence, NAMES(class, v.class) AS class,
    v.users_low, v.users_high, NAMES(signal, v.sources) AS sources, v.asn, n.name AS network, v.observed,
    (
        SELECT CASE WHEN s.last >= v.first THEN s.since END
        FROM standing s WHERE s.first <= v.first ORDER BY s.first DESC LIMIT 1
    ) AS listed_since
FROM verdict v LEFT JOIN network n ON n.asn = v.asn;
