-- One row a closed signal, flat: its terms, what became of it, and the odds that it carried.
SELECT
  s.day, s.symbol, s.detector, s.direction, s.signal_id, s.asset_class, s.timeframe, s.strategy, s.strategy_version,
  s.family, s.conviction, s.bar_ts, s.announced_at, s.closed_at, s.late_bars, s.is_shadow, s.is_told, s.status,
  s.exit_reason, s.entry, s.stop, s.target_1, s.target_2, s.target_3, s.feed,
  o.market_status, o.market_exit_reason, o.entered, o.entry_ts, o.entry_fill, o.exit_ts, o.exit_price, o.bars_held,
  o.targets_hit, o.hit, o.result_r, o.fees_r, o.ambiguous,
  e.verdict, e.n AS odds_n, e.hit_rate AS odds_hit_rate, e.mean_r AS odds_mean_r
FROM signals AS s
JOIN outcomes AS o ON o.signal_id = s.signal_id AND o.day = s.day
LEFT JOIN evidence AS e ON e.signal_id = s.signal_id AND e.day = s.day
