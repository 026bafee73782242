"""What exporters told a Prometheus of GPUs and machines: listed by day, and made into hours and tenants."""
