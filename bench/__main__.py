"""``python -m bench``: every measurement, one after the other."""

from bench import captcha, markup, posting, reading, spam

for measurement in (captcha, markup, posting, reading, spam):
    measurement.main()
