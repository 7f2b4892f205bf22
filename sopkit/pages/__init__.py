"""Executed notebooks become pages, pages become a pack that opens from disk without a network.

``page`` renders one notebook, or says why its step failed; ``index`` writes the first page of a
cycle's pack and the list of cycles; ``pack`` puts a cycle together. ``template/`` holds the one
shell, the style sheet, the script and the templates of the exhibits. Only the style sheet knows
colours.
"""
