"""The spine: command line, configuration, service assembly, the evaluation loop."""
