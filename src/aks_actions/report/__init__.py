"""The room that words things: outcomes to log lines, summaries and annotations. No I/O."""
