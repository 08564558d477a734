-- One row a stretch in which a strategy kept its version, as its closed signals tell; valid_to is null for the last.
WITH looks AS (
  SELECT
    strategy, strategy_version, created_at, signal_id,
    LAG(strategy_version) OVER (PARTITION BY strategy ORDER BY created_at, signal_id) AS version_before
  FROM signals
),
marked AS (
  SELECT
    strategy, strategy_version, created_at,
    COUNT(CASE WHEN version_before IS NULL OR version_before <> strategy_version THEN 1 END) OVER (
      PARTITION BY strategy ORDER BY created_at, signal_id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS stretch
  FROM looks
),
stretches AS (
  SELECT strategy, strategy_version, stretch, MIN(created_at) AS valid_from, COUNT(*) AS signals_closed
  FROM marked
  GROUP BY strategy, strategy_version, stretch
)
SELECT
  strategy, strategy_version, valid_from,
  LEAD(valid_from) OVER (PARTITION BY strategy ORDER BY valid_from, stretch) AS valid_to,
  signals_closed
FROM stretches
