"""Routes of identity: API keys, the caller itself."""
