"""What a run looks like while it goes on: plain data -> a live page or a file, through rerun."""
