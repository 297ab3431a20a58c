"""Simulators, each fast, without downloads and determined by ``random_state``."""
