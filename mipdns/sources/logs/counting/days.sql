-- Day evidence by day: one row a unit and UTC day. In: `hit`. Portable SQL.
--
-- A count is NULL where no source of the unit's could tell (agents in a connection log), and 0 where one told that
-- there was none. Requests are combined over sources and sensors as in hours.sql; what is counted distinct is counted
-- over all of them at once, because the same agent or address seen twice is one. 65,536 agents are counted and no more.
WITH by_source AS (
    SELECT
        unit, day, sensor, source,
        COUNT(*) AS requests,
        COUNT(agent) AS agent_told,
        SUM(CASE WHEN agent <> 0 THEN 1 ELSE 0 END) AS agent_requests,
        SUM(CASE WHEN is_crawler = 1 THEN 1 ELSE 0 END) AS crawler_requests,
        SUM(CASE WHEN is_mobile = 1 THEN 1 ELSE 0 END) AS mobile_requests,
        COUNT(forwarded) AS forwarded_told,
        SUM(CASE WHEN forwarded <> 0 THEN 1 ELSE 0 END) AS forwarded_requests
    FROM hit
    GROUP BY unit, day, sensor, source
),

by_sensor AS (
    SELECT
        unit, day, sensor,
        MAX(requests) AS requests,
        MAX(agent_told) AS agent_told,
        MAX(agent_requests) AS agent_requests,
        MAX(crawler_requests) AS crawler_requests,
        MAX(mobile_requests) AS mobile_requests,
        MAX(forwarded_told) AS forwarded_told,
        MAX(forwarded_requests) AS forwarded_requests
    FROM by_source
    GROUP BY unit, day, sensor
),

requests AS (
    SELECT
        unit, day,
        SUM(requests) AS requests,
        SUM(agent_told) AS agent_told,
        SUM(agent_requests) AS agent_requests,
        SUM(crawler_requests) AS crawler_requests,
        SUM(mobile_requests) AS mobile_requests,
        SUM(forwarded_told) AS forwarded_told,
        SUM(forwarded_requests) AS forwarded_requests
    FROM by_sensor
    GROUP BY unit, day
),

agent_by_source AS (
    SELECT unit, day, agent, MAX(family) AS family, sensor, source, COUNT(*) AS requests
    FROM hit
    WHERE agent <> 0
    GROUP BY unit, day, agent, sensor, source
),

agent_by_sensor AS (
    SELECT unit, day, agent, family, sensor, MAX(requests) AS requests
    FROM agent_by_source
    GROUP BY unit, day, agent, family, sensor
),

agent_by_day AS (
    SELECT unit, day, agent, family, SUM(requests) AS requests
    FROM agent_by_sensor
    GROUP BY unit, day, agent, family
),

agents AS (
    SELECT
        unit, day,
        COUNT(*) AS agents,
        COUNT(DISTINCT family) AS families,
        MAX(requests) AS top_agent_requests
    FROM agent_by_day
    GROUP BY unit, day
),

others AS (
    SELECT
        unit, day,
        COUNT(tls) AS tls_told,
        COUNT(DISTINCT CASE WHEN tls <> 0 THEN tls END) AS tls,
        COUNT(DISTINCT CASE WHEN forwarded > 1 THEN forwarded END) AS forwarded,
        COUNT(DISTINCT host) AS addresses
    FROM hit
    GROUP BY unit, day
)

SELECT
    r.unit, r.day, r.requests, r.agent_requests, r.crawler_requests, r.mobile_requests, r.forwarded_told,
    r.forwarded_requests,
    CASE WHEN a.agents > 65536 THEN 65536 WHEN r.agent_told > 0 THEN COALESCE(a.agents, 0) END AS agents,
    CASE WHEN r.agent_told > 0 THEN COALESCE(a.families, 0) END AS families,
    a.top_agent_requests,
    CASE WHEN o.tls_told > 0 THEN o.tls END AS tls,
    CASE WHEN r.forwarded_told > 0 THEN o.forwarded END AS forwarded,
    o.addresses
FROM requests AS r
JOIN others AS o ON r.unit = o.unit AND r.day = o.day
LEFT JOIN agents AS a ON r.unit = a.unit AND r.day = a.day
