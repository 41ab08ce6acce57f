"""The library: what pipelines can be built of."""
