"""What is measured, each a module that runs in a process of its own: ``python -m benchmarks.clients.NAME TASK``."""
