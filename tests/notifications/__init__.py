"""What people are told, and the ways in which it reaches them."""
