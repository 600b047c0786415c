"""The room that judges: from objects and events to verdicts, one file a kind. No I/O, no clock."""
