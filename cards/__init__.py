"""What a card is: its layout, the checks a layout must pass, and how it is drawn.

Begin with `cards.layout` (plain data), then `cards.load` (a layout file becomes that data, or all its errors at once).
The designs themselves are in `cards/layouts/<id>/`.
"""
