"""Windows of past prices that look like given ones, and what followed them."""
