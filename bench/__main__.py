"""``python -m bench``: every measurement, one after the other."""

from bench import admin, backups, captcha, machine, mail, markup, pages, posting, reading, spam, transfer, writers

for measurement in (admin, backups, captcha, machine, mail, markup, pages, posting, reading, spam, transfer, writers):
    measurement.main()
