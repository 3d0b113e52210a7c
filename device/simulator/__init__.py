"""Cards as people and cameras make them: print, punch by an unsteady hand, photograph; the truth written beside it.

`render.render(layout, card, scene, rng)` makes one picture in memory, `deck.make_card` one as JPEG with its truth.
`people` decides what is answered, `hand` where holes come, `damage` what else befalls a card; `card` is the card itself,
`truth` what is really on it; `scene` is where card, camera and lamp are, `surface` the card from above.
"""
