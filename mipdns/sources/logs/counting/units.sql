-- Window features: one row a unit. In: the day evidence `hour_count`, `day_count`, `score_count`. Portable SQL.
--
-- A feature is the maximum or the median of exact counts by day or hour; distinct counts are never added up over days.
-- What each column means stands in `evidence.UNIT_COLUMNS`.
WITH by_day AS (
    SELECT
        unit,
        MAX(day) AS last_day,
        COUNT(*) AS days,
        MAX(requests) AS requests_day_max,
        MAX(agents) AS agents_day_max,
        MEDIAN(agents) AS agents_day_median,
        MAX(families) AS families_day_max,
        MAX(tls) AS tls_day_max,
        MAX(forwarded) AS forwarded_day_max,
        SUM(forwarded_requests) AS forwarded_requests,
        SUM(forwarded_told) AS forwarded_told,
        MAX(addresses) AS addresses_day_max,
        SUM(crawler_requests) AS crawler_requests,
        SUM(mobile_requests) AS mobile_requests,
        SUM(agent_requests) AS agent_requests,
        MAX(agent_requests) AS agent_requests_day_max
    FROM day_count
    GROUP BY unit
),

-- the busiest day is the one with the most requests that carry an agent; of equal days, the one of the larger share
top_agent AS (
    SELECT d.unit, MAX(d.top_agent_requests) AS top_agent_requests
    FROM day_count AS d
    JOIN by_day AS b ON d.unit = b.unit AND d.agent_requests = b.agent_requests_day_max
    GROUP BY d.unit
),

by_hour AS (
    SELECT
        unit,
        MAX(requests) AS requests_hour_max,
        MAX(ports) AS ports_hour_max,
        MEDIAN(ports) AS ports_hour_median,
        MAX(blocks) AS blocks_hour_max,
        MAX(agents) AS agents_hour_max
    FROM hour_count
    GROUP BY unit
),

-- the days that a sensor saw in full
full_days AS (
    SELECT
        unit, day, COUNT(*) AS hours,
        SUM(CASE WHEN full_agent_requests > 0 THEN 1 ELSE 0 END) AS agent_hours
    FROM hour_count
    WHERE full_requests > 0
    GROUP BY unit, day
),

full_hours AS (
    SELECT unit, MAX(hours) AS hours_day_max, MAX(agent_hours) AS agent_hours_day_max
    FROM full_days
    GROUP BY unit
),

-- requests by hour of the day, over those days
shape AS (
    SELECT
        unit,
        SUM(full_requests) AS requests,
        SUM(CASE WHEN MOD(hour, 24) = 0 THEN full_requests ELSE 0 END) AS h0,
        SUM(CASE WHEN MOD(hour, 24) = 1 THEN full_requests ELSE 0 END) AS h1,
        SUM(CASE WHEN MOD(hour, 24) = 2 THEN full_requests ELSE 0 END) AS h2,
        SUM(CASE WHEN MOD(hour, 24) = 3 THEN full_requests ELSE 0 END) AS h3,
        SUM(CASE WHEN MOD(hour, 24) = 4 THEN full_requests ELSE 0 END) AS h4,
        SUM(CASE WHEN MOD(hour, 24) = 5 THEN full_requests ELSE 0 END) AS h5,
        SUM(CASE WHEN MOD(hour, 24) = 6 THEN full_requests ELSE 0 END) AS h6,
        SUM(CASE WHEN MOD(hour, 24) = 7 THEN full_requests ELSE 0 END) AS h7,
        SUM(CASE WHEN MOD(hour, 24) = 8 THEN full_requests ELSE 0 END) AS h8,
        SUM(CASE WHEN MOD(hour, 24) = 9 THEN full_requests ELSE 0 END) AS h9,
        SUM(CASE WHEN MOD(hour, 24) = 10 THEN full_requests ELSE 0 END) AS h10,
        SUM(CASE WHEN MOD(hour, 24) = 11 THEN full_requests ELSE 0 END) AS h11,
        SUM(CASE WHEN MOD(hour, 24) = 12 THEN full_requests ELSE 0 END) AS h12,
        SUM(CASE WHEN MOD(hour, 24) = 13 THEN full_requests ELSE 0 END) AS h13,
        SUM(CASE WHEN MOD(hour, 24) = 14 THEN full_requests ELSE 0 END) AS h14,
        SUM(CASE WHEN MOD(hour, 24) = 15 THEN full_requests ELSE 0 END) AS h15,
        SUM(CASE WHEN MOD(hour, 24) = 16 THEN full_requests ELSE 0 END) AS h16,
        SUM(CASE WHEN MOD(hour, 24) = 17 THEN full_requests ELSE 0 END) AS h17,
        SUM(CASE WHEN MOD(hour, 24) = 18 THEN full_requests ELSE 0 END) AS h18,
        SUM(CASE WHEN MOD(hour, 24) = 19 THEN full_requests ELSE 0 END) AS h19,
        SUM(CASE WHEN MOD(hour, 24) = 20 THEN full_requests ELSE 0 END) AS h20,
        SUM(CASE WHEN MOD(hour, 24) = 21 THEN full_requests ELSE 0 END) AS h21,
        SUM(CASE WHEN MOD(hour, 24) = 22 THEN full_requests ELSE 0 END) AS h22,
        SUM(CASE WHEN MOD(hour, 24) = 23 THEN full_requests ELSE 0 END) AS h23
    FROM hour_count
    WHERE full_requests > 0
    GROUP BY unit
),

-- the quietest of the 24 runs of 8 hours, midnight being no border
night AS (
    SELECT
        unit,
        1.0 * LEAST(
            h0 + h1 + h2 + h3 + h4 + h5 + h6 + h7,
            h1 + h2 + h3 + h4 + h5 + h6 + h7 + h8,
            h2 + h3 + h4 + h5 + h6 + h7 + h8 + h9,
            h3 + h4 + h5 + h6 + h7 + h8 + h9 + h10,
            h4 + h5 + h6 + h7 + h8 + h9 + h10 + h11,
            h5 + h6 + h7 + h8 + h9 + h10 + h11 + h12,
            h6 + h7 + h8 + h9 + h10 + h11 + h12 + h13,
            h7 + h8 + h9 + h10 + h11 + h12 + h13 + h14,
            h8 + h9 + h10 + h11 + h12 + h13 + h14 + h15,
            h9 + h10 + h11 + h12 + h13 + h14 + h15 + h16,
            h10 + h11 + h12 + h13 + h14 + h15 + h16 + h17,
            h11 + h12 + h13 + h14 + h15 + h16 + h17 + h18,
            h12 + h13 + h14 + h15 + h16 + h17 + h18 + h19,
            h13 + h14 + h15 + h16 + h17 + h18 + h19 + h20,
            h14 + h15 + h16 + h17 + h18 + h19 + h20 + h21,
            h15 + h16 + h17 + h18 + h19 + h20 + h21 + h22,
            h16 + h17 + h18 + h19 + h20 + h21 + h22 + h23,
            h17 + h18 + h19 + h20 + h21 + h22 + h23 + h0,
            h18 + h19 + h20 + h21 + h22 + h23 + h0 + h1,
            h19 + h20 + h21 + h22 + h23 + h0 + h1 + h2,
            h20 + h21 + h22 + h23 + h0 + h1 + h2 + h3,
            h21 + h22 + h23 + h0 + h1 + h2 + h3 + h4,
            h22 + h23 + h0 + h1 + h2 + h3 + h4 + h5,
            h23 + h0 + h1 + h2 + h3 + h4 + h5 + h6
        ) / requests AS night_share
    FROM shape
),

-- The median of bot scores, from how often each occurred: the mean of the two middle ones where their number is even.
score AS (
    SELECT unit, bot_score, SUM(requests) AS requests
    FROM score_count
    GROUP BY unit, bot_score
),

score_run AS (
    SELECT
        unit, bot_score,
        SUM(requests) OVER (PARTITION BY unit ORDER BY bot_score) AS up_to,
        SUM(requests) OVER (PARTITION BY unit) AS total
    FROM score
),

score_median AS (
    SELECT
        unit,
        (MIN(CASE WHEN 2 * up_to >= total THEN bot_score END)
            + MIN(CASE WHEN 2 * up_to > total THEN bot_score END)) / 2.0 AS bot_score_median
    FROM score_run
    GROUP BY unit
)

SELECT
    d.unit,
    d.last_day,
    d.days,
    d.requests_day_max,
    h.requests_hour_max,
    h.ports_hour_max,
    h.ports_hour_median,
    h.blocks_hour_max,
    h.agents_hour_max,
    d.agents_day_max,
    d.agents_day_median,
    d.families_day_max,
    CASE WHEN d.agent_requests > 0 THEN 1.0 * t.top_agent_requests / d.agent_requests_day_max END AS agent_top_share,
    d.tls_day_max,
    d.forwarded_day_max,
    CASE WHEN d.forwarded_told > 0 THEN 1.0 * d.forwarded_requests / d.forwarded_told END AS forwarded_share,
    d.addresses_day_max,
    CASE WHEN d.agent_requests > 0 THEN 1.0 * d.crawler_requests / d.agent_requests END AS crawler_share,
    CASE WHEN d.agent_requests > 0 THEN 1.0 * d.mobile_requests / d.agent_requests END AS mobile_share,
    s.bot_score_median,
    f.hours_day_max,
    n.night_share,
    CASE WHEN d.agents_day_max IS NOT NULL THEN d.agent_requests_day_max END AS agent_requests_day_max,
    CASE WHEN d.agents_day_max IS NOT NULL THEN f.agent_hours_day_max END AS agent_hours_day_max
FROM by_day AS d
JOIN by_hour AS h ON d.unit = h.unit
LEFT JOIN top_agent AS t ON d.unit = t.unit
LEFT JOIN full_hours AS f ON d.unit = f.unit
LEFT JOIN night AS n ON d.unit = n.unit
LEFT JOIN score_median AS s ON d.unit = s.unit
