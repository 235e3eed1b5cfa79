"""Who hears of what: emails are rows, written with what they tell and sent later."""
