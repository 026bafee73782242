"""Microsoft Azure: cost exports of Cost Management, actual and amortised, in the columns of every agreement."""
