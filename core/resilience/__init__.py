"""What keeps calls to a venue healthy: retries with backoff, a circuit breaker, token buckets."""
