"""Simulators, each fast, without downloads and determined by ``random_state``.

Noise and nuisance parameters are so strong that a few hundred samples do not solve a
task.
"""
