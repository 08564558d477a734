"""What a backtest came to: its figures, and the page that shows them."""
