"""The process: command line, composition root, transports. The only layer that builds objects."""
