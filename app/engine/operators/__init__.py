"""Pure components: what they give depends on their inputs alone. No I/O, no clock."""
