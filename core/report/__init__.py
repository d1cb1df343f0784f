"""All that is known of a run as one HTML file that opens offline."""
