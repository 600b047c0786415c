"""The room that talks to a cluster's API server: JSON in and out, no decisions."""
