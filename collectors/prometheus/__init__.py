"""Asking a Prometheus, or what speaks like one (Thanos, Mimir, Cortex, VictoriaMetrics, managed services)."""
