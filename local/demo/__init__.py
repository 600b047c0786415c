"""`make demo`: the main job on the local world. A commit becomes a verified workload, by main.yml under act."""
