-- When a neighbourhood (/24, /48) is active. In: `hour_count`. Portable SQL.
-- Only sensors that saw the whole day count. Day 0, 1970-01-01, was a Thursday.
SELECT
    CASE WHEN unit <= 4294967295 THEN unit - MOD(unit, 256) ELSE unit - MOD(unit, 65536) END AS neighbourhood,
    CASE WHEN MOD(day + 4, 7) IN (0, 6) THEN 1 ELSE 0 END AS weekend,
    MOD(hour, 24) AS hour_of_day,
    SUM(full_requests) AS requests,
    SUM(full_crawler_requests) AS crawler_requests,
    SUM(full_mobile_requests) AS mobile_requests,
    SUM(full_agent_requests) AS agent_requests,
    COUNT(*) AS unit_hours
FROM hour_count
WHERE full_requests > 0
GROUP BY 1, 2, 3
