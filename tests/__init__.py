"""A regular package: tf-keras-vis installs another one of this name, which would hide a folder without this file."""
