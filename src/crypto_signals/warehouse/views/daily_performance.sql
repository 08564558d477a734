-- One row a day, strategy and asset class on which trades that people were told of ended, with the sum in R so far.
WITH days AS (
  SELECT
    day, strategy, asset_class,
    COUNT(*) AS trades,
    COUNT(CASE WHEN hit THEN 1 END) AS hits,
    COUNT(CASE WHEN result_r > 0 THEN 1 END) AS gains,
    SUM(result_r) AS result_r,
    SUM(fees_r) AS fees_r
  FROM trades
  WHERE is_told AND entered
  GROUP BY day, strategy, asset_class
)
SELECT
  day, strategy, asset_class, trades, hits, gains, result_r, fees_r,
  SUM(result_r) OVER (
    PARTITION BY strategy, asset_class ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  ) AS result_r_so_far
FROM days
