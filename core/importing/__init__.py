"""What people bring: folders, zips and arrays of pictures, read with care, and a report on each. Never Keras."""
