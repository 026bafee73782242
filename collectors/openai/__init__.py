"""OpenAI: the costs and usage APIs of an organisation."""
