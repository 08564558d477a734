-- One row a gate and asset class: the trades that it alone refused, and what that saved (or, below zero, cost) in R.
WITH alone AS (
  SELECT signal_id, day, MIN(gate) AS gate
  FROM gates
  WHERE NOT passed
  GROUP BY signal_id, day
  HAVING COUNT(*) = 1
)
SELECT
  a.gate, t.asset_class,
  COUNT(*) AS refused,
  COUNT(CASE WHEN t.entered THEN 1 END) AS trades,
  AVG(t.result_r) AS mean_r,
  -SUM(t.result_r) AS saved_r
FROM alone AS a
JOIN trades AS t ON t.signal_id = a.signal_id AND t.day = a.day
GROUP BY a.gate, t.asset_class
