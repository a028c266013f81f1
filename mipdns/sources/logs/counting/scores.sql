-- Day evidence of bot scores: how many requests had which score, so that the window's median is exact. In: `hit`.
SELECT unit, day, bot_score, COUNT(*) AS requests
FROM hit
WHERE bot_score IS NOT NULL
GROUP BY unit, day, bot_score
