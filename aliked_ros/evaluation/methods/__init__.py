"""How a method finds features in images: ALIKED, ALIKE, OpenCV's, kornia's, yours."""
