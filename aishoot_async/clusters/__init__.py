"""The same jobs on many machines. The scheduler, the queue and the workers are those of the engine that is there."""
