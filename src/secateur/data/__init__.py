"""Manifests, features, batches, and the embedded demo corpus."""
