"""A card, printed, punched by an imperfect hand and photographed, with the truth of it beside the picture."""
