-- Schema 2: the tables with addresses as text and bits as names. Two abbreviations are written out before SQLite sees
-- them (mipdns/store/schema.py), so that the views in the file are plain SQL: ADDRESS(column) and NAMES(table, column).
-- The confidence beside an observation or a label is that of the verdict which holds its first address.

CREATE VIEW verdicts AS
SELECT
    ADDRESS(v.first) AS first, ADDRESS(v.last) AS last, v.confidence, NAMES(class, v.class) AS class,
    v.users_low, v.users_high, NAMES(signal, v.sources) AS sources, v.asn, n.name AS network, v.observed
FROM verdict v LEFT JOIN network n ON n.asn = v.asn;

CREATE VIEW observations AS
SELECT
    ADDRESS(o.first) AS first, ADDRESS(o.last) AS last,
    (
        SELECT CASE WHEN v.last >= o.first THEN v.confidence END
        FROM verdict v WHERE v.first <= o.first ORDER BY v.first DESC LIMIT 1
    ) AS confidence,
    o.asn, n.name AS network, o.traffic, o.last_day,
    date(b.as_of, (1 - b.window_days) || ' days') AS window_first, b.as_of AS window_last,
    o.days, o.requests_day_max, o.requests_hour_max, o.ports_hour_max, o.ports_hour_median, o.blocks_hour_max,
    o.agents_hour_max, o.agents_day_max, o.agents_day_median, o.families_day_max, o.agent_top_share, o.tls_day_max,
    o.forwarded_day_max, o.forwarded_share, o.addresses_day_max, o.crawler_share, o.mobile_share, o.bot_score_median,
    o.hours_day_max, o.night_share, o.neighbours_seen, o.neighbours_crowded
FROM observation o JOIN build b ON b.id = o.build LEFT JOIN network n ON n.asn = o.asn;

CREATE VIEW assertions AS
SELECT
    ADDRESS(a.first) AS first, ADDRESS(a.last) AS last, s.name AS signal, a.origin, a.stance,
    NAMES(class, a.class) AS class, a.observed, a.expires, a.exact, a.source, a.detail
FROM assertion a JOIN signal s ON s.bit = a.signal;

CREATE VIEW labels AS
SELECT
    ADDRESS(l.first) AS first, ADDRESS(l.last) AS last,
    CASE l.confirmed WHEN 1 THEN 'confirm' ELSE 'deny' END AS verdict,
    (
        SELECT CASE WHEN v.last >= l.first THEN v.confidence END
        FROM verdict v WHERE v.first <= l.first ORDER BY v.first DESC LIMIT 1
    ) AS confidence,
    NAMES(class, l.class) AS class, l.observed, l.who, l.source, l.added
FROM label l;

CREATE VIEW disagreements AS
SELECT asn, name, declared, inferred, requests, units, info_type
FROM network WHERE declared <> inferred;
