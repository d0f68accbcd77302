"""How models say what to do on a phone: what each kind is asked, and what its answers mean. Pure."""
