"""The report of a comparison as one HTML file. It needs no network and works without JavaScript."""
