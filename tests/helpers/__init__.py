"""Servers and other things that several tests share."""
