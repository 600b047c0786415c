"""The room that thinks about change: desired and live objects to waves, differences, and what needs no request."""
