"""``python -m bench``: every measurement, one after the other."""

from bench import captcha, mail, markup, posting, reading, spam

for measurement in (captcha, mail, markup, posting, reading, spam):
    measurement.main()
