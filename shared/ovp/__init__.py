"""Presenting offline by QR code, OVP/1: challenge, answer, typed code, and the text around them (docs/ovp.md)."""
