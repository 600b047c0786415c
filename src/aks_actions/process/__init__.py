"""The room that talks to programs: children with streamed output, a deadline, and an end when the run is cancelled."""
