"""Identity: organisations, who a credential is, API keys, the audit log."""
