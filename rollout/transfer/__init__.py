"""How new weights reach the engines: one adapter over vLLM's RL weight-transfer API.

``update`` is what travels through Ray's object store and the sender of it; ``cpu`` is the receiving engine that vLLM
drives on CPUs; ``nccl`` is the broadcast between GPUs.
"""
