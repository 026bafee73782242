"""Google Cloud: the standard and the detailed usage cost export of Cloud Billing, as they leave BigQuery."""
