"""What is known of markets and prices: finding them, measuring them, what a trade would cost."""
