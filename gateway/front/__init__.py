"""The processes that serve: the worker, what it holds, and how they are started."""
