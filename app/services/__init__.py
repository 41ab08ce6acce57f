"""Use cases: the product's sentences and the only place with transactions. Know no Flask, no HTTP.

Each begins with `who: Principal` and reads through `Model.of(who.org_id)`.
"""
