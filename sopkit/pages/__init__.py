"""Executed notebooks become pages, pages become a pack that opens from disk without a network.

``pack`` writes a page for each step, the page of a failure, the first page of a cycle's pack and
the list of cycles; ``outline`` puts a page in order and names its headings; ``downloads`` writes
the tables beside it; ``pdf`` prints it. ``template/`` holds the one shell, the style sheets, the
script and the templates of the exhibits. Only ``style.css`` knows colours.
"""
