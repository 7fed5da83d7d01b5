"""What people look at: web pages, the JSON behind them, and Prometheus metrics. Reads; decides nothing."""
