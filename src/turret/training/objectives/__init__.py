"""Objectives: what a step minimises, put together from a loss and a way to choose what the right answer competes with."""
