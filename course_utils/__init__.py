"""Companion package of the course: one flat module for each stage of an image-analysis pipeline."""

__version__ = "0.1.0"
