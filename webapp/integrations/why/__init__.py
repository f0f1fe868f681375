"""Why is somebody not here? A question, its answer, and the steps that lead to it."""
