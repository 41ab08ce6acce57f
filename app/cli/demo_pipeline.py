"""The pipeline of `fm demo`: what a document of contract 01 looks like, in full."""

from __future__ import annotations

from typing import Any

_OPERATIONS = "upstream.reshape.result.operations"

DOCUMENT: dict[str, Any] = {
    "name": "fm-demo",
    "description": "Reads the API document of Studio, counts the routes of each tag, joins.",
    "input_schema": {
        "type": "object",
        "required": ["url"],
        "properties": {"url": {"type": "string"}},
    },
    "stages": [
        {
            "id": "fetch",
            "name": "Fetch the OpenAPI document",
            "component_type": "http_request",
            "config": {"url": "{{ input.url }}/api/v1/openapi.json"},
        },
        {
            "id": "health",
            "name": "Ask for the version, at the same time",
            "component_type": "http_request",
            "config": {"url": "{{ input.url }}/health"},
        },
        {
            "id": "reshape",
            "name": "Keep what matters",
            "component_type": "json_transform",
            "config": {
                "data": "{{ upstream.fetch.body }}",
                "jmespath_expression": "{title: info.title, tags: tags[].name,"
                " operations: paths.*.*[] | [?tags].{tag: tags[0], summary: summary}}",
            },
        },
        {
            "id": "remember",
            "name": "Keep the title in a variable",
            "component_type": "variable_set",
            "config": {"name": "title", "value": "{{ upstream.reshape.result.title }}"},
        },
        {
            "id": "each",
            "name": "For each tag",
            "component_type": "foreach",
            "config": {
                "items": "{{ upstream.reshape.result.tags }}",
                "item_variable": "tag",
                "loop_stages": ["count", "tell"],
            },
        },
        {
            "id": "count",
            "component_type": "json_transform",
            "config": {
                "data": {
                    "tag": "{{ context.tag }}",
                    "routes": f'{{{{ {_OPERATIONS} | where("tag", context.tag) | length }}}}',
                }
            },
        },
        {
            "id": "tell",
            "component_type": "logger",
            "config": {
                "message": "{{ context.tag }} has {{ upstream.count.result.routes }} routes",
                "passthrough": "{{ upstream.count.result }}",
            },
        },
        {
            "id": "join",
            "name": "Join both branches",
            "component_type": "json_transform",
            "config": {
                "data": {
                    "title": "{{ vars.title }}",
                    "version": "{{ upstream.health.body.version }}",
                    "routes": f"{{{{ {_OPERATIONS} | length }}}}",
                    "by_tag": '{{ upstream.each.results | map("passthrough") }}',
                }
            },
        },
    ],
    "output_stage_id": "join",
}
