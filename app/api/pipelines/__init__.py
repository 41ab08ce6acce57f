"""Routes of pipelines: one blueprint, after which the audit log names what was refused."""

from app.api.pipelines import pipelines, publishing, versions

__all__ = ["pipelines", "publishing", "versions"]
