"""``python -m bench``: every measurement, one after the other."""

from bench import captcha, markup, posting

for measurement in (captcha, markup, posting):
    measurement.main()
