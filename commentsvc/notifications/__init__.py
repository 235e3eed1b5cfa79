"""Who hears of what: letters are rows, written with what they tell and sent later."""
