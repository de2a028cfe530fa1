"""What to trade and why: strategies turn markets, prices and news into signals, and are given who executes them."""
