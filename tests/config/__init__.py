"""Settings, logs and the web process."""
