-- What the lesser half of a load's units shows: how often households come, and how many devices they have.

ALTER TABLE observation ADD COLUMN hours_lesser REAL;
ALTER TABLE observation ADD COLUMN agents_lesser REAL;
ALTER TABLE observation ADD COLUMN ports_lesser REAL;

DROP VIEW observations;

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
    o.hours_day_max, o.night_share, o.neighbours_seen, o.neighbours_crowded, o.requests_lesser, o.requests_typical,
    o.network_agents, o.network_ports, o.days_logged, o.hours_lesser, o.agents_lesser, o.ports_lesser
FROM observation o JOIN build b ON b.id = o.build LEFT JOIN network n ON n.asn = o.asn;
