"""What the verbs do: the parts above, composed into runs."""
