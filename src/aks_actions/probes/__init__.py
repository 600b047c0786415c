"""The room that knows probes: their figures, their rules, and how long a workload must be watched. No I/O."""
