"""What the desk has measured, as families of samples for Prometheus and OpenTelemetry."""
