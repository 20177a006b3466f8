"""What is asked of the outside: protocols and the plain values that cross them."""
