"""The main job, end to end, judged by eyes that share no code with it."""
