"""Google Cloud: billing exports as they leave BigQuery, what exists, list prices, files in Cloud Storage."""
