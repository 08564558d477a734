"""How fast each room does its work; run by ``make bench``."""
