"""How a run is watched: log lines, metrics, and a ping when it ended. None of it can fail a run."""
