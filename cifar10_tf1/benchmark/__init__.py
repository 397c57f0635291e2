"""How fast it is, beside a plain port of the original."""
