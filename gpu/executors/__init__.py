"""The ways to run a task: in this process, in worker processes, on a cluster. One protocol, one behaviour."""
