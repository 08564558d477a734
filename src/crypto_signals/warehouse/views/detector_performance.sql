-- One row a detector and side: trades that people were told of, beside those that gates refused.
SELECT
  detector, direction, asset_class, timeframe,
  COUNT(CASE WHEN is_told THEN 1 END) AS trades,
  COUNT(CASE WHEN is_told AND hit THEN 1 END) AS hits,
  AVG(CASE WHEN is_told THEN (CASE WHEN hit THEN 1.0 ELSE 0.0 END) END) AS hit_rate,
  SUM(CASE WHEN is_told THEN result_r END) AS result_r,
  AVG(CASE WHEN is_told THEN result_r END) AS mean_r,
  MIN(CASE WHEN is_told THEN result_r END) AS worst_r,
  MAX(CASE WHEN is_told THEN result_r END) AS best_r,
  COUNT(CASE WHEN is_told AND ambiguous THEN 1 END) AS ambiguous,
  COUNT(CASE WHEN is_shadow THEN 1 END) AS shadow_trades,
  AVG(CASE WHEN is_shadow THEN result_r END) AS shadow_mean_r
FROM trades
WHERE entered
GROUP BY detector, direction, asset_class, timeframe
