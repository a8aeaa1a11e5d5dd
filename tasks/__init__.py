"""The nouns lie here, one file each; everything else has a room."""
