"""Where a camera was: relative pose of two images, localization in a map."""
