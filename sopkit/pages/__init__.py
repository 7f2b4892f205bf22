"""Executed notebooks become pages, pages become a pack that opens from disk without a network.

``pack`` writes a page for each step, the page of a failure, the first page of a cycle's pack and
the list of cycles; ``downloads`` writes the tables of a page in full beside it, as CSV and as a
workbook; ``pdf`` prints a page. ``template/`` holds the one shell, the style sheets, the script and
the templates of the exhibits. Only ``style.css`` knows colours.
"""
