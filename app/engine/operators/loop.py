"""loop: an array split into batches (contract 02). Runs no stages: that is foreach."""

from __future__ import annotations

from types import SimpleNamespace

from app.core.errors import StageError
from app.core.wire import JSON
from app.engine.about import About, Category, Example
from app.engine.component import Component, Field, Kind
from app.engine.context import StageContext

_LEAST_BYTES = 2  # of a batch or an item as JSON, apart from what lies in it: brackets, a comma


class Loop(Component):
    """Splits `items[start_index:]` into batches, at most `max_iterations` of them."""

    type = "loop"
    inline = True
    fields = {
        "items": Field(Kind.ARRAY, required=True),
        "batch_size": Field(Kind.INTEGER, default=1, low=1, high=1000),
        "max_iterations": Field(Kind.INTEGER, low=0, description="At most so many batches"),
        "start_index": Field(
            Kind.INTEGER,
            default=0,
            description="What stands before is left out; negative: from the end",
        ),
        "include_metadata": Field(Kind.BOOLEAN, default=True),
    }
    outputs = {
        "batches": Field(Kind.ARRAY, required=True, items=Field(Kind.ARRAY)),
        "total_items": Field(Kind.INTEGER, required=True, low=0, description="All that were given"),
        "total_batches": Field(Kind.INTEGER, required=True, low=0),
        "has_more": Field(
            Kind.BOOLEAN, required=True, description="Items are left behind the last batch"
        ),
        "metadata": Field(
            Kind.OBJECT,
            members={
                "batch_size": Field(Kind.INTEGER, required=True),
                "start_index": Field(Kind.INTEGER, required=True),
            },
            description="Only with include_metadata",
        ),
    }
    about = About(
        name="Loop",
        description="Splits a list into batches.",
        category=Category.DATA,
        icon="layers",
        color="#22c55e",
        tags=("batch", "list", "page"),
        examples=(
            Example(
                config={"items": [1, 2, 3, 4, 5], "batch_size": 2, "max_iterations": 2},
                output={
                    "batches": [[1, 2], [3, 4]],
                    "total_items": 5,
                    "total_batches": 2,
                    "has_more": True,
                    "metadata": {"batch_size": 2, "start_index": 0},
                },
            ),
        ),
    )

    def run(self, context: StageContext, inputs: SimpleNamespace) -> dict[str, JSON]:
        """The batches; `total_items` counts all items, `has_more` tells of such behind the last
        batch.

        Raises StageError EXECUTION for batches larger than `context.max_output_bytes`.
        """
        size, items = inputs.batch_size, inputs.items
        first, end, _ = slice(inputs.start_index, None).indices(len(items))
        most = -(-(end - first) // size)
        count = most if inputs.max_iterations is None else min(most, inputs.max_iterations)
        _allow(count, min(end - first, count * size), context.max_output_bytes)
        output: dict[str, JSON] = {
            "batches": [items[first + n * size : first + (n + 1) * size] for n in range(count)],
            "total_items": len(items),
            "total_batches": count,
            "has_more": count < most,
        }
        if inputs.include_metadata:
            output["metadata"] = {"batch_size": size, "start_index": inputs.start_index}
        return output


def _allow(batches: int, items: int, most_bytes: int) -> None:
    """A million batches take far more memory than text, so they are counted before."""
    if (batches + items) * _LEAST_BYTES > most_bytes:
        raise StageError("EXECUTION", f"The output is larger than {most_bytes} bytes.")
