"""A second reading of the contract: slow, recursive, made without looking at the engine.

Where the engine and this disagree, the contract decides who is wrong. What the contract leaves open
is ANYTHING here, and a document whose outcome depends on time is Undetermined.
"""
