"""Networks: built, loaded, run, and the layers within them."""
