"""Several runs side by side: a sweep makes them, a comparison reads them."""
