-- Day evidence by hour: one row a unit and UTC hour. In: `hit`, `full_day(sensor, day)`. Portable SQL.
--
-- Requests. Sources of one sensor saw the same traffic, so the largest of their counts stands for the sensor;
-- different sensors saw different traffic, so sensors add up.
--
-- Ports. A connection is a 5-tuple, and one source port towards two of our servers may be one user or two. A port
-- counts once an hour, whoever of us saw it: two sources of one sensor cannot count it twice, and two servers give at
-- most too low a number, never a crowd that is not there. Each full address has its own 65,536 ports, so they are
-- counted by address and the unit has the largest; a /64 is never a sum.
--
-- Agents. 65,536 are counted and no more: what a client can make up has a limit.
--
-- full_requests and its like: only from sensors that saw the whole day.
WITH by_source AS (
    SELECT
        unit, hour, day, sensor, source,
        COUNT(*) AS requests,
        SUM(CASE WHEN agent <> 0 THEN 1 ELSE 0 END) AS agent_requests,
        SUM(CASE WHEN is_crawler = 1 THEN 1 ELSE 0 END) AS crawler_requests,
        SUM(CASE WHEN is_mobile = 1 THEN 1 ELSE 0 END) AS mobile_requests
    FROM hit
    GROUP BY unit, hour, day, sensor, source
),

by_sensor AS (
    SELECT
        unit, hour, day, sensor,
        MAX(requests) AS requests,
        MAX(agent_requests) AS agent_requests,
        MAX(crawler_requests) AS crawler_requests,
        MAX(mobile_requests) AS mobile_requests
    FROM by_source
    GROUP BY unit, hour, day, sensor
),

requests AS (
    SELECT
        s.unit, s.hour, s.day,
        SUM(s.requests) AS requests,
        SUM(CASE WHEN f.day IS NULL THEN 0 ELSE s.requests END) AS full_requests,
        SUM(CASE WHEN f.day IS NULL THEN 0 ELSE s.agent_requests END) AS full_agent_requests,
        SUM(CASE WHEN f.day IS NULL THEN 0 ELSE s.crawler_requests END) AS full_crawler_requests,
        SUM(CASE WHEN f.day IS NULL THEN 0 ELSE s.mobile_requests END) AS full_mobile_requests
    FROM by_sensor AS s
    LEFT JOIN full_day AS f ON s.sensor = f.sensor AND s.day = f.day
    GROUP BY s.unit, s.hour, s.day
),

-- every port lies in one block, so the ports of an address are the sum over its blocks
by_block AS (
    SELECT unit, hour, host, FLOOR(port / 256) AS block, COUNT(DISTINCT port) AS ports
    FROM hit
    WHERE port IS NOT NULL
    GROUP BY unit, hour, host, FLOOR(port / 256)
),

by_host AS (
    SELECT unit, hour, host, SUM(ports) AS ports, COUNT(*) AS blocks
    FROM by_block
    GROUP BY unit, hour, host
),

ports AS (
    SELECT unit, hour, MAX(ports) AS ports, MAX(blocks) AS blocks
    FROM by_host
    GROUP BY unit, hour
),

agents AS (
    SELECT unit, hour, COUNT(DISTINCT CASE WHEN agent <> 0 THEN agent END) AS agents
    FROM hit
    WHERE agent IS NOT NULL
    GROUP BY unit, hour
)

SELECT
    r.unit, r.hour, r.day, r.requests, r.full_requests, r.full_agent_requests, r.full_crawler_requests,
    r.full_mobile_requests, p.ports, p.blocks,
    CASE WHEN a.agents > 65536 THEN 65536 ELSE a.agents END AS agents
FROM requests AS r
LEFT JOIN ports AS p ON r.unit = p.unit AND r.hour = p.hour
LEFT JOIN agents AS a ON r.unit = a.unit AND r.hour = a.hour
