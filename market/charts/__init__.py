"""Charts: figures in, SVG or PNG out, the same bytes for the same figures. Knows no database and no request.

figures.py what is to be shown, layouts.py where it stands, svg.py and png.py how it is written.
"""
