"""Reads what Android's command line tools print, for each generation of Android. Pure: text in, values out."""
