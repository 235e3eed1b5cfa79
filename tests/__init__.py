"""Stories about behaviour; each folder is named as the part of the package it is about."""
