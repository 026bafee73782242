"""Kubernetes: who used which node, from kube-state-metrics and cAdvisor in Prometheus, or an OpenShift report."""
