"""Where signals, events and owed effects are kept."""
