"""The import path that programs use: `flowmason_studio.api.app`. Only names, no code."""
