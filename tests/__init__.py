"""Stories about behaviour; each folder named as the part of the house it is about."""
